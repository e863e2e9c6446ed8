"""Flows in the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from relay.engine.configuration import connections
from relay.engine.intake import sample_events
from relay.engine.preview import render_client
from relay.engine.sandbox import helper_pool
from relay.flows import yamltext
from relay.flows.checks import validation
from relay.models import Flow, Run, RunState, Workspace
from tests.api.conftest import Caller
from tests.web.conftest import DOCUMENT


def test_flows_are_listed(call: Caller, flow: Flow) -> None:
    assert call("GET", "/flows")["flows"] == [
        {
            "id": flow.pk,
            "name": "Orders",
            "folder": "",
            "state": "live",
            "url": flow.trigger.url,
            "unpublished_changes": False,
        }
    ]


def test_a_flow_has_its_documents(call: Caller, flow: Flow) -> None:
    shown = call("GET", f"/flows/{flow.pk}")

    assert shown["draft"]["steps"][0]["id"] == "big"
    assert shown["live"]["number"] == 1


@pytest.mark.parametrize(("query", "state"), [("", "draft"), ("?publish_it=true", "live")])
def test_a_document_is_imported(call: Caller, query: str, state: str) -> None:
    made = call("POST", f"/flows{query}", DOCUMENT)

    assert made["state"] == state
    assert Flow.objects.get().name == "Orders"


def test_yaml_is_imported(call: Caller) -> None:
    made = call("POST", "/flows", "relay: 1\nname: Y\ntrigger: {kind: webhook}\nsteps: []\n")

    assert made["name"] == "Y"


def test_a_document_is_read_by_a_helper_and_before_a_transaction_is_open(
    call: Caller, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_before = len(connection.savepoint_ids)
    asked: list[int] = []
    real = render_client.check

    def noted(source: Any, *, workspace: int) -> dict[str, Any]:
        assert len(connection.savepoint_ids) == open_before
        asked.append(workspace)
        return real(source, workspace=workspace)

    monkeypatch.setattr(render_client, "check", noted)
    monkeypatch.setattr(validation, "load", None)
    monkeypatch.setattr(yamltext, "parse", None)

    made = call("POST", "/flows?publish_it=true", "relay: 1\nname: Y\ntrigger: {kind: webhook}\nsteps: []\n")
    wrong = call("POST", "/flows", "relay: 1\nname: [a", status=422)

    assert made["state"] == "live"
    assert wrong["faults"][0]["message"].startswith("not YAML: line 2")
    assert asked == [workspace.pk, workspace.pk]


def test_too_many_calls_at_once_get_retry_after(
    call: Caller, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helper_pool, "MAX_WAITING", 0)

    answer = call("POST", "/flows", "relay: 1", status=429)

    assert call.headers["Retry-After"] == "5"
    assert "This workspace asks for too many checks at once" in answer["error"]


def test_faults_have_their_places(call: Caller) -> None:
    wrong: dict[str, Any] = {**DOCUMENT, "steps": [{"id": "a", "kind": "nonsense"}]}

    said = call("POST", "/flows", wrong, status=422)

    assert said["error"] == "The flow document has faults"
    assert said["faults"][0]["path"].startswith("steps[0]")
    assert not Flow.objects.exists()


def test_a_draft_is_published(call: Caller) -> None:
    made = call("POST", "/flows", DOCUMENT)

    assert call("POST", f"/flows/{made['id']}/publish")["live"]["number"] == 1


@pytest.mark.parametrize(
    ("body", "state", "moved"),
    [
        (None, RunState.QUEUED, 1),
        ({"held": "discard"}, RunState.CANCELLED, 1),
        ({"per_minute": 60}, RunState.QUEUED, 1),
    ],
)
def test_a_flow_is_paused_and_resumed(call: Caller, flow: Flow, body: Any, state: str, moved: int) -> None:
    call("POST", f"/flows/{flow.pk}/pause")
    sample_events.send_sample(flow)

    shown = call("POST", f"/flows/{flow.pk}/resume", body)

    assert (shown["state"], shown["moved"]) == ("live", moved)
    assert Run.objects.get().state == state


@pytest.mark.parametrize("body", [{"held": "burn"}, {"per_minute": "many"}, {"per_minute": True}, "[", "[]"])
def test_a_resumption_that_makes_no_sense(call: Caller, flow: Flow, body: Any) -> None:
    call("POST", f"/flows/{flow.pk}/resume", body, status=422)


def test_connections_are_listed_without_secrets(call: Caller, workspace: Workspace) -> None:
    hook = "https://hooks.slack.com/services/T000/B000/CANARY"
    connections.set_connection(workspace, "Team", "slack", {"webhook_url": hook}, rate="30/m")

    shown = call("GET", "/connections")["connections"]

    assert [(one["name"], one["connector"], one["rate"]) for one in shown] == [("Team", "slack", "30/m")]
    assert "CANARY" not in str(shown)
