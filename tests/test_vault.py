import base64

import pytest

from relay.errors import VaultError
from relay.vault import Vault, new_key

OLD, NEW = new_key(), new_key()
VALUE = {"token": "xoxb-1", "nested": {"name": "é\u2028", "n": [1, None, True]}}


def test_opens_what_it_sealed() -> None:
    vault = Vault([NEW])

    sealed = vault.seal("connection:7", VALUE)

    assert vault.open("connection:7", sealed) == VALUE
    assert b"xoxb" not in sealed


def test_the_same_value_is_never_sealed_alike() -> None:
    vault = Vault([NEW])

    assert vault.seal("connection:7", VALUE) != vault.seal("connection:7", VALUE)


def test_another_owner_cannot_open_it() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("connection:7", VALUE)

    with pytest.raises(VaultError, match="belongs to something else"):
        vault.open("connection:8", sealed)


def test_keys_rotate() -> None:
    sealed = Vault([OLD]).seal("connection:7", VALUE)
    rotating = Vault([NEW, OLD])

    resealed = rotating.seal("connection:7", rotating.open("connection:7", sealed))

    assert (rotating.is_stale(sealed), rotating.is_stale(resealed)) == (True, False)
    assert Vault([NEW]).open("connection:7", resealed) == VALUE


def test_a_key_that_is_gone_is_named_as_the_reason() -> None:
    sealed = Vault([OLD]).seal("connection:7", VALUE)

    with pytest.raises(VaultError, match="RELAY_VAULT_KEYS"):
        Vault([NEW]).open("connection:7", sealed)


@pytest.mark.parametrize("position", [0, 1, 8, 9, 20, 21, -1])
def test_a_changed_byte_is_noticed(position: int) -> None:
    vault = Vault([NEW])
    sealed = bytearray(vault.seal("connection:7", VALUE))

    sealed[position] ^= 1

    with pytest.raises(VaultError):
        vault.open("connection:7", bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 9, 20, 21, 36])
def test_a_cut_value_is_noticed(length: int) -> None:
    vault = Vault([NEW])
    sealed = vault.seal("connection:7", VALUE)

    with pytest.raises(VaultError):
        vault.open("connection:7", sealed[:length])


def test_takes_keys_as_text_or_bytes_and_values_as_any_buffer() -> None:
    sealed = Vault([NEW]).seal("connection:7", VALUE)

    assert Vault([NEW.encode()]).open("connection:7", memoryview(sealed)) == VALUE


def test_a_key_is_32_random_bytes() -> None:
    assert len(base64.urlsafe_b64decode(new_key())) == 32
    assert new_key() != new_key()


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [""],
        ["short"],
        ["é" * 43],
        ["!" * 44],
        [base64.b64encode(b"x" * 16).decode()],
        [NEW, ""],
    ],
)
def test_keys_that_are_missing_or_malformed_are_refused(keys: list[str]) -> None:
    with pytest.raises(VaultError, match="RELAY_VAULT_KEYS") as error:
        Vault(keys)

    assert NEW not in str(error.value)
