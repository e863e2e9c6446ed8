"""Tests webhooks at senders in the API."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow, TriggerSubscription, Workspace
from tests.api.conftest import Caller
from tests.support import service_double, webhook_service
from tests.support.service_double import answer
from tests.support.webhook_service import BOARD, TRELLO, WebhookService


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> WebhookService:
    return webhook_service.in_place_of_all(httpserver, settings)


@pytest.fixture
def boards(workspace: Workspace) -> Flow:
    document = {"relay": 1, "name": "Cards", "trigger": {"kind": "webhook", "preset": "trello"}, "steps": []}
    return flow_lifecycle.create_flow(workspace, document)


def test_connect_and_disconnect(
    service: WebhookService, call: Caller, reader: Caller, boards: Flow, workspace: Workspace
) -> None:
    path, connection = f"/flows/{boards.pk}/subscription", service_double.connect(workspace, "trello", "T", **TRELLO)
    wanted = {"connection": connection.pk, "inputs": {"board_id": BOARD}}
    offer = reader("GET", path)
    assert (offer["subscription"], offer["offer"]["connector"]) == (None, "trello")
    assert offer["offer"]["inputs"] == [{"key": "board_id", "label": "Board", "required": True}]
    assert "can't reach" in offer["unreachable"]

    made = call("POST", path, wanted)["subscription"]
    assert (made["sender"], made["state"], made["about"], made["ends"]) == (
        "trello",
        "connected",
        f"Board: {BOARD}",
        None,
    )
    assert boards.trigger.token not in call.text
    assert reader("GET", f"/connections/{connection.pk}")["triggers"] == [{"id": boards.pk, "name": "Cards"}]
    assert "connected already" in call("POST", path, wanted, status=409)["error"]
    assert call("DELETE", path)["subscription"] is None
    assert service.hooks == {}
    assert "isn't connected" in call("DELETE", path, status=409)["error"]


def test_what_is_refused(
    service: WebhookService, call: Caller, reader: Caller, stranger: Caller, boards: Flow, workspace: Workspace
) -> None:
    path = f"/flows/{boards.pk}/subscription"
    own = service_double.connect(workspace, "trello", "T", **TRELLO)
    theirs = service_double.connect(Workspace.objects.create(name="Other"), "trello", "T", **TRELLO)

    call("POST", path, {"connection": theirs.pk, "inputs": {"board_id": BOARD}}, status=404)
    call("POST", path, {"connection": 10**30, "inputs": {}}, status=404)
    for wrong in ({}, {"connection": "1"}, {"connection": True}, {"connection": own.pk, "inputs": []}):
        call("POST", path, wrong, status=422)
    for inputs in ({}, {"board_id": {"a": 1}}, {"board_id": BOARD, "url": "https://evil.example"}):
        call("POST", path, {"connection": own.pk, "inputs": inputs}, status=409)
    reader("POST", path, {"connection": own.pk, "inputs": {"board_id": BOARD}}, status=403)
    stranger("GET", path, status=404)
    stranger("POST", path, {"connection": theirs.pk, "inputs": {"board_id": BOARD}}, status=404)
    assert service.calls == []

    call("POST", path, {"connection": own.pk, "inputs": {"board_id": BOARD}})
    stranger("DELETE", path, status=404)
    row = TriggerSubscription.objects.get()
    service.faults[f"DELETE /1/webhooks/{row.webhook_id}"] = answer("no", 500)
    assert "a problem of its own" in call("DELETE", path, status=409)["error"]
    assert call("DELETE", f"{path}?forget=true")["subscription"] is None
