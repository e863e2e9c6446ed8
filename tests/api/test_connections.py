"""Tests connections in the API: no secret comes back, hosts keep their secrets, and a test says what it found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import connections
from relay.models import Connection, Workspace
from tests.api.conftest import Caller
from tests.support import service_double
from tests.support.service_double import TRELLO, ServiceDouble

SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DESK = {"subdomain": "acme", "email": "a@example.com", "token": "fedcba9876543210"}


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> Iterator[ServiceDouble]:
    with service_double.in_place_of(httpserver, settings, service_double.TRELLO_ORIGIN) as double:
        double.answers["/1/members/me"] = service_double.answer({"fullName": "relay-bot"})
        yield double


def test_one_is_created_changed_and_read(call: Caller, reader: Caller) -> None:
    made = call("POST", "/connections", {"name": "Desk", "connector": "zendesk", "values": DESK, "rate": "30/m"})
    changed = call("PUT", f"/connections/{made['id']}", {"values": {**DESK, "token": "", "email": "b@example.com"}})

    assert (made["name"], made["connector"], made["rate"], made["state"]) == ("Desk", "zendesk", "30/m", "untested")
    assert changed["rate"] == "30/m"
    assert Connection.objects.get().unseal() == {**DESK, "email": "b@example.com"}
    assert reader("GET", f"/connections/{made['id']}")["flows"] == []
    assert [row["name"] for row in reader("GET", "/connections")["connections"]] == ["Desk"]
    assert DESK["token"] not in reader.text + call.text


def test_another_host_needs_the_secret(call: Caller, workspace: Workspace) -> None:
    row = connections.set_connection(workspace, "Desk", "zendesk", DESK)

    refused = call(
        "PUT", f"/connections/{row.pk}", {"values": {"subdomain": "evil", "email": "a@example.com"}}, status=422
    )

    assert "A stored secret is not sent to another address" in refused["error"]
    assert Connection.objects.get().unseal() == DESK


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"name": "x", "connector": "trello"}, 422),
        ({"name": "x", "connector": "trello", "values": []}, 422),
        ({"name": "x", "connector": "trello", "values": {}}, 422),
        ({"name": "x", "connector": "trello", "values": {"key": 1, "token": {}}}, 422),
        ({"name": "x", "connector": "trello", "values": {**TRELLO, "more": "x"}}, 422),
        ({"name": "x", "connector": "nothing", "values": TRELLO}, 422),
        ({"name": ["x"], "connector": "trello", "values": TRELLO}, 422),
        ({"name": "x" * 101, "connector": "trello", "values": TRELLO}, 422),
        ({"name": "x", "connector": "trello", "values": TRELLO, "rate": 3}, 422),
        ({"name": "x", "connector": "trello", "values": TRELLO, "rate": "often"}, 422),
        ({"name": " Desk ", "connector": "zendesk", "values": DESK}, 409),
    ],
)
def test_invalid_ones_are_refused(call: Caller, workspace: Workspace, body: Any, status: int) -> None:
    connections.set_connection(workspace, "Desk", "zendesk", DESK)

    assert call("POST", "/connections", body, status=status)["error"]
    assert Connection.objects.count() == 1


def test_a_test(call: Caller, workspace: Workspace, service: ServiceDouble) -> None:
    row = connections.set_connection(workspace, "Trello", "trello", TRELLO)

    good = call("POST", f"/connections/{row.pk}/test")
    service.answers["/1/members/me"] = service_double.answer("invalid key", 401)
    bad = call("POST", f"/connections/{row.pk}/test")

    assert (good["works"], good["message"]) == (True, "Connected to Trello as relay-bot")
    assert (good["connection"]["state"], good["connection"]["connected_as"]) == ("works", "relay-bot")
    assert (bad["works"], bad["connection"]["state"]) == (False, "fails")
    assert bad["message"] == "Trello refuses the credential. The answer was 401: invalid key"


def test_a_service_without_a_test(call: Caller, workspace: Workspace) -> None:
    row = connections.set_connection(workspace, "Any", "http", {"signing_secret": SIGNING_SECRET})

    assert "There is nothing to test" in call("POST", f"/connections/{row.pk}/test", status=409)["error"]


def test_what_others_may(
    call: Caller, reader: Caller, stranger: Caller, workspace: Workspace, service: ServiceDouble
) -> None:
    row = connections.set_connection(workspace, "Trello", "trello", TRELLO)

    for method, path in [
        ("GET", f"/connections/{row.pk}"),
        ("PUT", f"/connections/{row.pk}"),
        ("POST", f"/connections/{row.pk}/test"),
    ]:
        stranger(method, path, {"values": TRELLO} if method == "PUT" else None, status=404)
    reader("PUT", f"/connections/{row.pk}", {"values": TRELLO}, status=403)
    reader("POST", f"/connections/{row.pk}/test", status=403)
    reader("POST", "/connections", {"name": "x", "connector": "trello", "values": TRELLO}, status=403)
    assert service.requests == []
