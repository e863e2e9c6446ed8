"""`relay connection` tests a connection, and keeps secrets for their host only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import connections
from relay.errors import RelayError
from relay.models import Connection, Workspace
from tests.commands.conftest import Shell
from tests.support import service_double
from tests.support.service_double import TRELLO, ServiceDouble

DESK = {"subdomain": "acme", "email": "a@example.com", "token": "fedcba9876543210"}


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> Iterator[ServiceDouble]:
    with service_double.in_place_of(httpserver, settings, service_double.TRELLO_ORIGIN) as double:
        double.answers["/1/members/me"] = service_double.answer({"fullName": "relay-bot"})
        yield double


def test_it_says_whom_it_is_connected_as(shell: Shell, workspace: Workspace, service: ServiceDouble) -> None:
    connections.set_connection(workspace, "Trello", "trello", TRELLO)

    assert shell("connection", "test", "Trello").strip() == "Connected to Trello as relay-bot."
    assert shell.json("connection", "test", "Trello", "--json") == {
        "works": True,
        "message": "Connected to Trello as relay-bot",
        "connected_as": "relay-bot",
    }
    assert shell.json("connection", "list", "--json")[0]["state"] == "works"


def test_a_failed_test_is_an_error(shell: Shell, workspace: Workspace, service: ServiceDouble) -> None:
    """`relay` prints it in one line, and exits with 1."""
    connections.set_connection(workspace, "Trello", "trello", TRELLO)
    service.answers["/1/members/me"] = service_double.answer(f"invalid {TRELLO['token']}", 401)

    with pytest.raises(RelayError, match=r"Trello refuses the credential.*401: invalid ••••••"):
        shell("connection", "test", "Trello")
    with pytest.raises(RelayError, match="There is no connection called Nothing"):
        shell("connection", "test", "Nothing")


def test_a_secret_stays_with_its_host(shell: Shell, workspace: Workspace) -> None:
    shell("connection", "set", "Desk", "zendesk", given=json.dumps(DESK))
    rest = {"subdomain": "acme", "email": "b@example.com"}

    shell("connection", "set", "Desk", "zendesk", given=json.dumps(rest))
    with pytest.raises(RelayError, match="A stored secret is not sent to another address"):
        shell("connection", "set", "Desk", "zendesk", given=json.dumps({**rest, "subdomain": "evil"}))

    assert Connection.objects.get().unseal() == {**DESK, **rest}
