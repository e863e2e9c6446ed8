"""`relay user` and `relay connection`."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client

from relay.errors import RelayError
from relay.models import Connection, Flow, Membership, User, Workspace
from tests.commands.conftest import Shell

URL = "https://hooks.slack.com/services/T000/B000/SECRETSECRET"
PASSWORD = "correct horse battery"


def test_first_user_owns_the_first_workspace_with_the_demo(shell: Shell) -> None:
    shell("user", "add", "Ada@Example.com", given=f"{PASSWORD}\n")

    ada = User.objects.get()
    assert ada.email == "ada@example.com"
    assert ada.check_password(PASSWORD)
    assert Membership.objects.get().role == "owner"
    assert Flow.objects.get().state == "live"


@pytest.mark.parametrize("given", ["", "\n", "short\n", "password123\n", "\r\n"])
def test_weak_password(given: str, shell: Shell) -> None:
    with pytest.raises(RelayError, match="password"):
        shell("user", "add", "ada@example.com", given=given)

    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["nobody", "a@b", "", "a b@example.com"])
def test_address_that_is_none(email: str, shell: Shell) -> None:
    with pytest.raises(RelayError, match="mail"):
        shell("user", "add", email, given=f"{PASSWORD}\n")


def test_same_user_twice(shell: Shell) -> None:
    shell("user", "add", "ada@example.com", given=f"{PASSWORD}\n")

    with pytest.raises(RelayError, match="already"):
        shell("user", "add", "ADA@example.com", given=f"{PASSWORD}\n")


def test_connection_is_sealed_and_can_be_changed(shell: Shell, workspace: Workspace) -> None:
    shell("connection", "set", "Team Slack", "slack", given=json.dumps({"webhook_url": URL}))
    shell("connection", "set", "Team Slack", "slack", given=json.dumps({"webhook_url": f"{URL}2"}))

    connection = Connection.objects.get()
    assert connection.unseal() == {"webhook_url": f"{URL}2"}
    assert b"SECRET" not in bytes(connection.sealed)
    assert shell.json("connection", "list", "--json") == [
        {"name": "Team Slack", "connector": "slack", "state": "untested", "access": None}
    ]
    assert shell("connection", "list").split()[-4:] == ["Team", "Slack", "slack", "untested"]


def test_a_connection_by_oauth_is_listed_with_its_state(shell: Shell, workspace: Workspace) -> None:
    said = shell("connection", "set", "Books", "google_sheets", given="{}")

    (listed,) = shell.json("connection", "list", "--json")
    assert "Connect it on its page" in said
    assert listed["access"]["state"] == "not_connected"
    assert listed["access"].keys() == {"state", "reason", "connected_as", "connected_by", "scopes", "expires_at"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "JSON object"),
        ("[]", "JSON object"),
        ('"text"', "JSON object"),
        ("[" * 100_000, "JSON object"),
        ("\x80", "JSON object"),
        ('{"webhook_url": "ftp://example.com"}', "Incoming webhook URL"),
        ('{"other": "x"}', "other"),
    ],
)
def test_wrong_fields(given: str, message: str, shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(RelayError, match=message):
        shell("connection", "set", "Team Slack", "slack", given=given)

    assert not Connection.objects.exists()


def test_unknown_connector(shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(RelayError, match="slack"):
        shell("connection", "set", "X", "nonsense", given="{}")


def test_a_further_account_gets_the_role_that_is_asked_for(shell: Shell) -> None:
    shell("user", "add", "ada@example.com", given=f"{PASSWORD}\n")
    shell("user", "add", "bob@example.com", "--role", "viewer", given=f"{PASSWORD}\n")

    assert Membership.objects.get(user__email="bob@example.com").role == "viewer"


def test_a_link_for_a_new_password_is_printed(shell: Shell, client: Client) -> None:
    shell("user", "add", "ada@example.com", given=f"{PASSWORD}\n")
    ada = User.objects.get()
    Authenticator.objects.create(user=ada, type="totp", data={})

    link = shell("user", "reset-link", "ADA@example.com", "--drop-second-factor").strip()

    assert client.get(link.removeprefix(settings.PUBLIC_URL)).status_code == 200
    assert not Authenticator.objects.exists()


def test_no_link_for_nobody(shell: Shell) -> None:
    with pytest.raises(RelayError, match="no account for eve"):
        shell("user", "reset-link", "eve@example.com")
