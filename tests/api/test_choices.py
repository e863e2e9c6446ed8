"""Tests the choices of services in the API: of actions and of senders, within the limits of the editor's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.connectors import registry
from relay.connectors.definition import Action, Call, Connector, Field, OptionSource
from relay.engine.service_calls import turns
from relay.models import Workspace
from tests.api.conftest import Caller
from tests.support import service_double
from tests.support.running import wait_until
from tests.support.service_double import BOARD, TRELLO, ServiceDouble, acme, answer

LISTS = f"/1/boards/{BOARD}/lists"
ASKED = {"action": "trello.create_card", "field": "list_id", "inputs": {"board_id": BOARD}}


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> Iterator[ServiceDouble]:
    origins = (service_double.TRELLO_ORIGIN, "https://api.acme.example")
    with service_double.in_place_of(httpserver, settings, *origins) as double:
        double.answers["/1/members/me/boards"] = answer([{"id": BOARD, "name": "Orders <b>"}])
        double.answers[LISTS] = answer([{"id": "1", "name": "New"}, {"id": "2", "name": TRELLO["token"]}])
        yield double


@pytest.fixture
def path(workspace: Workspace) -> str:
    return f"/connections/{service_double.connect(workspace, 'trello', 'Trello', **TRELLO).pk}/choices"


def test_choices_of_an_action_and_of_a_sender(call: Caller, service: ServiceDouble, path: str) -> None:
    lists = call("POST", path, ASKED)
    boards = call("POST", path, {"sender": "trello", "field": "board_id"})
    found = call("POST", path, {**ASKED, "search": "ne"})

    assert lists == {
        "choices": [{"value": "1", "label": "New"}, {"value": "2", "label": "••••••"}],
        "more": False,
    }
    assert boards["choices"] == [{"value": BOARD, "label": "Orders <b>"}]
    assert found["choices"] == [{"value": "1", "label": "New"}]
    assert len(service.requests) == 2  # the search is in the list that Relay has
    call("POST", path, {**ASKED, "fresh": True})
    assert len(service.requests) == 3


def test_a_long_list_is_cut(call: Caller, service: ServiceDouble, path: str) -> None:
    service.answers[LISTS] = answer([{"id": str(number), "name": "x"} for number in range(600)])

    listed = call("POST", path, ASKED)

    assert (len(listed["choices"]), listed["more"]) == (500, True)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 422, "Name a field"),
        ({"field": "list_id"}, 422, "Name a field"),
        ({**ASKED, "sender": "trello"}, 422, "Name a field"),
        ({**ASKED, "field": ["list_id"]}, 422, "Name a field"),
        ({**ASKED, "action": ["trello.create_card"]}, 422, "no such action"),
        ({**ASKED, "action": "trello.nothing"}, 422, "no such action"),
        ({**ASKED, "field": "list_id.id"}, 422, "no such field"),
        ({**ASKED, "field": ""}, 422, "no such field"),
        ({**ASKED, "field": "name"}, 422, "Trello lists no choices for Name"),
        ({**ASKED, "inputs": []}, 422, "inputs an object"),
        ({**ASKED, "search": 7}, 422, "search must be a text"),
        ({**ASKED, "inputs": {}}, 409, "Choose Board first"),
        ({**ASKED, "inputs": {"board_id": "{{ event.body.board }}"}}, 409, "Board is a template"),
        ({**ASKED, "inputs": {"board_id": "../../members/me"}}, 409, "Board"),
        ({**ASKED, "inputs": {"board_id": {"a": [1]}}}, 409, "Board"),
        ({"action": "todoist.create_task", "field": "project_id"}, 422, "is not a connection to Todoist"),
        ({"sender": "svix", "field": "board_id"}, 422, "can't create webhooks"),
        ({"sender": {}, "field": "board_id"}, 422, "can't create webhooks"),
        ({"sender": "trello", "field": "url"}, 422, "no such field"),
    ],
)
def test_what_is_refused(
    call: Caller, service: ServiceDouble, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    assert message in call("POST", path, body, status=status)["error"]
    assert service.requests == []


def test_a_service_that_fails(call: Caller, service: ServiceDouble, path: str) -> None:
    service.answers[LISTS] = answer(f"invalid {TRELLO['token']}", 401)

    said = call("POST", path, ASKED, status=409)["error"]

    assert said == "Trello refuses the credential. The answer was 401: invalid ••••••"


def test_who_may_not(call: Caller, reader: Caller, stranger: Caller, service: ServiceDouble, path: str) -> None:
    reader("POST", path, ASKED, status=403)
    stranger("POST", path, ASKED, status=404)
    assert service.requests == []


def test_a_field_of_a_row(
    call: Caller, service: ServiceDouble, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = OptionSource("products", Call("products", "Products", url="/shops/{{ inputs.shop }}"), needs=("shop",))
    product = Field("product", "Product", source="products")
    rows = Field("items", "Items", kind="rows", fields=(Field("shop", "Shop"), product))
    action = Action("order", "Order", inputs=(rows,), url="/orders")
    connector: Connector = acme(source)
    monkeypatch.setitem(registry._actions(), "acme.order", (connector, action))
    service.answers["/shops/7"] = answer([{"id": "12", "name": "Tea"}])
    acme_path = f"/connections/{service_double.connect(workspace).pk}/choices"
    asked = {"action": "acme.order", "field": "items.product"}

    assert "Choose shop first" in call("POST", acme_path, asked, status=409)["error"]
    listed = call("POST", acme_path, {**asked, "inputs": {"shop": "7"}})

    assert listed["choices"] == [{"value": "12", "label": "Tea"}]


def test_it_waits_in_the_turns_of_its_workspace(
    call: Caller, service: ServiceDouble, path: str, workspace: Workspace
) -> None:
    going = threading.Event()
    threads = [
        threading.Thread(target=lambda: turns.in_turn(workspace.pk, lambda: going.wait(20)), daemon=True)
        for _ in range(9)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(turns._CALLS._waiting.get(workspace.pk, ())) == 8)

    try:
        said = call("POST", path, ASKED, status=429)
    finally:
        going.set()
        for thread in threads:
            thread.join(20)

    assert "asks for too many service calls at once" in said["error"]
    assert service.requests == []
