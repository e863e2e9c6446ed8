"""Tests that rotation re-seals everything, reports lost values and drops unused keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.conf import settings

from relay import vault
from relay.engine.configuration import flow_lifecycle
from relay.engine.configuration.connections import set_connection
from relay.engine.upkeep import key_rotation
from relay.errors import RelayError, VaultError
from relay.models import AuditEntry, Connection, Flow, User, Workspace, sealing

OLD, NEW = vault.new_key(), vault.new_key()
HOOK = "https://hooks.slack.com/services/T0/B0/abcdefgh"


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return flow_lifecycle.create_flow(workspace, {"name": "Orders"})


@pytest.fixture
def slack(workspace: Workspace) -> Connection:
    return set_connection(workspace, "Team {Slack}", "slack", {"webhook_url": HOOK})


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key file of this test, with no cached key ring."""
    before = sealing.ring()
    settings.DATA.write_vault_keys([OLD])
    monkeypatch.setattr(sealing, "_rings", [])
    yield
    settings.DATA.write_vault_keys(before)


def test_everything_is_resealed_and_opens_without_the_old_key(flow: Flow, slack: Connection, owner: User) -> None:
    seed = Authenticator.objects.create(
        user=owner, type="recovery_codes", data={"seed": encrypt("seed"), "used_mask": 3, "deep": [encrypt("deep")]}
    )
    url = flow.trigger.url

    done = key_rotation.rotate(drop_old=True)

    assert (done.resealed, done.dropped, done.lost) == (4, [vault.name_of(OLD)], [])
    assert [done.key] == [vault.name_of(key) for key in sealing.ring()]
    sealing._rings.clear()
    seed.refresh_from_db()
    assert Flow.objects.get().trigger.url == url
    assert Connection.objects.get().unseal() == {"webhook_url": HOOK}
    assert (decrypt(seed.data["seed"]), decrypt(seed.data["deep"][0]), seed.data["used_mask"]) == ("seed", "deep", 3)


def test_without_dropping_both_keys_open(slack: Connection) -> None:
    before = bytes(slack.sealed)

    key_rotation.rotate()

    assert sealing.ring()[1:] == (OLD,)
    assert vault.Vault(sealing.ring()).open(f"connection:{slack.workspace_id}:{slack.name}", before)
    assert key_rotation.drop() == [vault.name_of(OLD)]
    assert key_rotation.drop() == []


def test_what_is_in_hand_still_opens_after_its_key_was_dropped(slack: Connection) -> None:
    in_hand = Connection.objects.get()

    key_rotation.rotate(drop_old=True)

    assert in_hand.unseal() == {"webhook_url": HOOK}


def test_both_are_noted_with_the_names_of_keys_alone(slack: Connection) -> None:
    done = key_rotation.rotate(drop_old=True)

    said = AuditEntry.objects.filter(workspace=slack.workspace, verb__startswith="vault.").order_by("id")
    assert list(said.values_list("verb", "change")) == [
        ("vault.rotated", f"Values re-sealed under the key {done.key}: 1"),
        ("vault.keys_dropped", f"Dropped: {vault.name_of(OLD)}"),
    ]


def test_the_file_is_for_its_owner_alone_and_whole(slack: Connection) -> None:
    key_rotation.rotate()

    assert settings.DATA.vault_keys.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.DATA.path.iterdir() if path.name.startswith(".vault")] == []


def test_what_is_lost_is_named_and_survives_a_rotation(flow: Flow, slack: Connection, owner: User) -> None:
    Authenticator.objects.create(user=owner, type="totp", data={"secret": encrypt("totp")})
    settings.DATA.write_vault_keys([NEW])
    sealing._rings.clear()

    found, done = key_rotation.check(), key_rotation.rotate(drop_old=True)

    lost = ["the URL of the flow “Orders” of Acme", "the connection “Team {Slack}” of Acme"]
    assert sorted(one.what for one in found.lost) == sorted([*lost, "the second factor of owner@example.com"])
    assert all(vault.name_of(OLD) in one.why and "Put that key back" in one.why for one in found.lost)
    assert (done.resealed, done.dropped, done.lost) == (0, [vault.name_of(NEW)], found.lost)
    assert found.sealed == {vault.name_of(OLD): 3}


def test_a_lost_key_says_which_connection_and_what_to_do(slack: Connection) -> None:
    settings.DATA.write_vault_keys([NEW])
    sealing._rings.clear()

    with pytest.raises(VaultError, match=r"The connection “Team \{Slack\}” can't .* enter its fields again"):
        slack.unseal()


def test_with_keys_of_the_environment_all_is_sealed_under_the_first(
    slack: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "VAULT_KEYS", [NEW, OLD])

    done = key_rotation.rotate()

    assert (done.key, done.resealed) == (vault.name_of(NEW), 1)
    assert settings.DATA.vault_keys.read_text().split() == [OLD]
    with pytest.raises(RelayError, match="RELAY_VAULT_KEYS"):
        key_rotation.drop()


def test_a_value_changed_meanwhile_is_left_as_it_is(slack: Connection) -> None:
    stale = Connection.objects.get()
    settings.DATA.write_vault_keys([NEW, OLD])
    set_connection(slack.workspace, slack.name, "slack", {"webhook_url": f"{HOOK}-new"})

    done = key_rotation._reseal_row(stale, Connection._meta.get_field("sealed"))

    assert done == 0
    assert Connection.objects.get().unseal() == {"webhook_url": f"{HOOK}-new"}


def test_every_column_of_sealed_bytes_is_found() -> None:
    from django.apps import apps

    named = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if "sealed" in field.name
    }

    assert named == {(model, column.name) for model, column in sealing.columns()}
    assert all(column.owner and column.what and column.remedy for _, column in sealing.columns())
