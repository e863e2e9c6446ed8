"""A dry run and a preview show every request of an action that makes several."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import connections
from relay.engine.dry_run import assumed_answers
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.engine.preview import last_answers, preview
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.flows.checks.validation import parse_document
from relay.models import Event, Workspace
from tests.engine.flow_control.test_circuit_breaker import sending_to
from tests.support.walking import Held

SAVE = {
    "id": "save",
    "kind": "action",
    "action": "pipedrive.save_person",
    "connection": "P",
    "inputs": {"email": "{{ event.body.mail }}", "name": "Ada"},
}
AFTER = {"id": "after", "kind": "set", "values": {"is": "{{ steps.save.id }}"}}
TOKEN = "feedfacefeedfacefeed"
BUY = {
    "id": "buy",
    "kind": "action",
    "action": "easypost.buy_cheapest_label",
    "connection": "E",
    "inputs": {"to_address": {"zip": "1"}, "from_address": {"zip": "2"}, "parcel": {"weight": 1}},
}
EVENT = {"body": {"mail": "a@b.example"}}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps)}


def told(*steps: dict[str, Any], answers: Any = None, event: Any = EVENT, **context: Any) -> dict[str, Any]:
    known = assumed_answers.check(answers or {})
    return dry_run(
        parse_document(document(*steps)), EventData.from_json(event), DryRunContext("F", assumed=known, **context)
    )


def found(*ids: int) -> dict[str, Any]:
    return {"body": {"success": True, "data": {"items": [{"item": {"id": one}} for one in ids]}}}


def requests(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    made = [(step["id"], step.get("request")) for step in result["steps"]]
    return [(name, request["method"], request["url"]) for name, request in made if request]


SEARCH = "https://api.pipedrive.com/api/v2/persons/search?term=a%40b.example&fields=email&exact_match=true"


@pytest.mark.parametrize(
    ("answer", "method", "path"), [(found(), "POST", "/persons"), (found(12), "PATCH", "/persons/12")]
)
def test_a_dry_run_shows_each_request_with_the_assumed_answers(answer: Any, method: str, path: str) -> None:
    answers = {"save.find": answer, "save": {"body": {"success": True, "data": {"id": 5}}}}

    result = told(SAVE, AFTER, answers=answers, connections={"P": Held({"token": TOKEN})})

    assert requests(result) == [
        ("save.find", "GET", SEARCH),
        ("save", method, f"https://api.pipedrive.com/api/v2{path}"),
    ]
    assert result["steps"][-1]["outputs"] == {"is": 5}
    assert TOKEN not in json.dumps(result)


def test_a_request_that_needs_an_unknown_answer_is_shown_with_its_templates() -> None:
    result = told(BUY, connections={"E": Held({"api_key": "EZTK0123456789abcdef"})})

    assert result["state"] == "succeeded"
    assert requests(result) == [
        ("buy.shipment", "POST", "https://api.easypost.com/v2/shipments"),
        ("buy", "POST", "https://api.easypost.com/v2/shipments/{{ calls.shipment.body.id | urlencode }}/buy"),
    ]


def test_a_dry_run_without_its_connection_shows_each_request() -> None:
    result = told(SAVE, answers={"save.find": found()})

    assert [name for name, _, _ in requests(result)] == ["save.find", "save"]
    assert result["steps"][0]["request"]["headers"]["x-api-token"] == "{{ connection.token }}"


def test_an_assumed_failure_of_a_call_fails_the_step() -> None:
    result = told(SAVE, AFTER, answers={"save.find": {"status": 400, "body": {"error": "no"}}})

    assert (result["state"], result["reason"]) == ("failed", "Look up the person: The answer was 400: no")
    assert [step["id"] for step in result["steps"]] == ["save.find", "save"]


@pytest.mark.parametrize("body", [None, [], "x", {"data": {"items": "abc"}}, {"data": {"items": [[]]}}])
def test_a_strange_answer_ends_a_dry_run_with_a_reason(body: Any) -> None:
    result = told(SAVE, answers={"save.find": {"body": body}})

    assert result["state"] in ("failed", "succeeded")
    assert result["state"] == "succeeded" or result["reason"]


def test_an_answer_by_the_element_of_a_loop() -> None:
    loop = {"id": "each", "kind": "loop", "over": ["x", "y"], "steps": [SAVE]}

    result = told(
        loop, answers={"save.find": found(), "save[1].find": found(3)}, connections={"P": Held({"token": TOKEN})}
    )

    assert [(name, method) for name, method, _ in requests(result)] == [
        ("save[0].find", "GET"),
        ("save[0]", "POST"),
        ("save[1].find", "GET"),
        ("save[1]", "PATCH"),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_answers_of_the_last_run_are_used(
    workspace: Workspace, live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/api/v2/persons/search").respond_with_json(found(12)["body"])
    destination.expect_request("/api/v2/persons/12").respond_with_json({"success": True, "data": {"id": 12}})
    connections.set_connection(workspace, "P", "pipedrive", {"token": TOKEN})
    walkers._sender = sending_to(destination, "https://api.pipedrive.com")
    flow = live(document(SAVE, AFTER))
    (run,) = arrive(flow, json.dumps(EVENT["body"]).encode())
    nothing_yet = preview.preview(flow, flow.draft, "save", Event.objects.get())
    work(walkers=walkers)
    run.refresh_from_db()

    shown = preview.preview(flow, flow.draft, "save", Event.objects.get())
    held = {"P": Held({"token": TOKEN})}
    stored = DryRunContext("F", answers=last_answers.records(flow), connections=held)
    result = dry_run(parse_document(document(SAVE)), EventData.from_json(EVENT), stored)

    assert run.state == "succeeded", run.reason
    assert sorted(last_answers.records(flow)) == ["save", "save.find"]
    assert [(one.call.label, one.request and one.request["url"]) for one in shown.calls] == [
        ("Look up the person", SEARCH)
    ]
    assert (shown.request or {})["url"] == "https://api.pipedrive.com/api/v2/persons/12"
    assert "{{ 'PATCH' if" in (nothing_yet.request or {})["method"]
    assert TOKEN not in repr((shown, nothing_yet, result))
    assert set(last_answers.outputs(flow)) == {"save", "after"}
    assert requests(result)[1][1:] == ("PATCH", "https://api.pipedrive.com/api/v2/persons/12")
