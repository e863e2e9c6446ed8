"""Sealed columns: what each is bound to and called, and the key ring that opens them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import models

from relay import datafolder, vault
from relay.errors import VaultError

if TYPE_CHECKING:
    _Binary = models.BinaryField[Any, Any]
else:
    _Binary = models.BinaryField

# Before a sealed text of a column that isn't ours: its owner follows, then the sealed value in base64.
_MARK = "sealed:"
# The owner of a session's data, with the session's key; what is lost of those costs a sign-in.
SESSION = "session"


class SealedField(_Binary):
    """A JSON object, sealed for its row. Whatever has such a column is found, checked and rotated.

    `owner`: what it is bound to for ever; `what`: what people call it; both are formats of `row`.
    `remedy`: what can be done when its key is lost.
    """

    def __init__(self, *args: Any, owner: str = "", what: str = "", remedy: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.owner, self.what, self.remedy = owner, what, remedy

    def deconstruct(self) -> Any:
        """As migrations see it: a column of bytes."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BinaryField", args, options


def seal(row: models.Model, column: str, value: dict[str, Any]) -> bytes:
    """`value` sealed for a column of a row."""
    return open_vault().seal(_field(row, column).owner.format(row=row), value)


def unseal(row: models.Model, column: str) -> dict[str, Any]:
    """What a column of a row holds; the VaultError says what is lost, and what can be done."""
    field, sealed = _field(row, column), bytes(getattr(row, column))
    owner = field.owner.format(row=row)
    try:
        return open_vault().open(owner, sealed)
    except VaultError:
        # Once more with the names, which may have to be looked up.
        return open_vault().open(owner, sealed, what=field.what.format(row=row), remedy=field.remedy)


def _field(row: models.Model, column: str) -> SealedField:
    field = row._meta.get_field(column)
    assert isinstance(field, SealedField)
    return field


def seal_text(owner: str, text: str) -> str:
    """`text` sealed for a column of a model that isn't ours, where it is found by how it begins."""
    return _marked(owner, open_vault().seal(owner, {"text": text}))


def unseal_text(owner: str, sealed: str) -> str:
    """What `seal_text` was given."""
    return str(open_vault().open(owner, sealed_bytes(sealed), what=f"a {owner}")["text"])


def owner_of(text: object) -> str | None:
    """The owner that a text of a column was sealed for, or None where it is no sealed text."""
    if not isinstance(text, str) or not text.startswith(_MARK):
        return None
    return text.removeprefix(_MARK).rpartition(":")[0]


def sealed_bytes(text: str) -> bytes:
    """The sealed value within a sealed text."""
    return base64.b64decode(text.rpartition(":")[2])


def reseal_text(text: str) -> str:
    """A sealed text, sealed with the first key."""
    owner = owner_of(text) or ""
    return _marked(owner, open_vault().reseal(owner, sealed_bytes(text)))


def _marked(owner: str, sealed: bytes) -> str:
    return f"{_MARK}{owner}:{base64.b64encode(sealed).decode()}"


def columns() -> Iterator[tuple[type[models.Model], SealedField]]:
    """Every sealed column of every model."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SealedField):
                yield model, field


def text_columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column in which sealed texts may stand: those of JSON, and the data of sessions."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.JSONField) or field.name == "session_data":
                yield model, field


class _Ring(NamedTuple):
    """The key ring as last read: what the file looked like then, and its keys."""

    stamp: object
    keys: tuple[str, ...]
    vault: vault.Vault


_rings: list[_Ring] = []  # the one in use, if any


def open_vault() -> vault.Vault:
    """The vault of this installation's key ring: RELAY_VAULT_KEYS, or the key file as it is now.

    A key that was taken out of the file opens until the process ends: what was read before it was sealed anew may
    still be in hand.
    """
    now = stamp()
    if not _rings or _rings[0].stamp != now:
        _rings[:] = [_read(now)]
    return _rings[0].vault


def stamp() -> object:
    """Another value whenever the key ring is another."""
    if settings.VAULT_KEYS:
        return tuple(settings.VAULT_KEYS)
    try:
        found = settings.DATA.vault_keys.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(stamp: object) -> _Ring:
    now = ring()
    former = _rings[0].keys if _rings and not settings.VAULT_KEYS else ()
    keys = tuple(dict.fromkeys((*now, *former)))
    return _Ring(stamp, keys, vault.Vault(keys))


def ring() -> tuple[str, ...]:
    """The keys, the one that seals first."""
    return tuple(settings.VAULT_KEYS) or tuple(datafolder.read(settings.DATA.vault_keys).split())
