"""Preflights: the CORS headers that browsers get from the trigger's response and from steps."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.flows import cors
from relay.models import Workspace
from tests.ingest.test_senders_forms import SAY, live, send

pytestmark = pytest.mark.django_db(transaction=True)

CORS = {"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Headers": "content-type"}


def test_a_preflight_is_answered_with_the_flows_headers(workspace: Workspace) -> None:
    flow = live(workspace, response={"status": 200, "headers": {**CORS, "Cache-Control": "no-store"}, "body": "ok"})

    answer = send(flow, b"", method="OPTIONS", origin="https://shop.example", access_control_request_method="POST")

    assert answer.status == 204
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-headers": "content-type",
        "access-control-allow-methods": "POST, PUT, PATCH",
    }


def responding(*origins: str, **more: Any) -> list[dict[str, Any]]:
    names = [{"Access-Control-Allow-Origin": one, "Access-Control-Allow-Headers": "content-type"} for one in origins]
    return [{"id": f"r{place}", "kind": "respond", "headers": one, **more} for place, one in enumerate(names)]


A, B = "https://a.example", "https://b.example"
LOOP = {"id": "each", "kind": "loop", "over": "{{ event.body }}", "steps": responding("*")}
ARMS = {"id": "arms", "kind": "branch", "branches": [{"when": True, "steps": responding(A)}], "else": responding(B)}


@pytest.mark.parametrize(
    ("steps", "answers", "headers", "allowed"),
    [
        (responding("*"), {}, {A: "*", "": "*"}, True),
        ([LOOP], {}, {A: "*"}, True),
        (responding(A), {}, {A: A, B: A}, True),
        (responding(A, A), {}, {A: A, B: A}, True),
        (responding(A, B), {}, {A: A, B: B, "https://c.example": None, "": None}, False),
        (responding(A, "*"), {}, {A: A, B: "*"}, False),
        (responding(A), {"Access-Control-Allow-Origin": B}, {A: B}, True),
        (responding("{{ event.headers.origin }}"), {}, {A: None}, False),
        (responding("{{ event.headers.origin }}"), {"access-control-allow-origin": "*"}, {A: "*"}, True),
        (responding("*", disabled=True), {}, {A: None}, False),
        ([SAY], {}, {A: None}, False),
    ],
)
def test_a_preflight_is_answered_with_the_headers_of_respond_steps(
    workspace: Workspace, steps: list[Any], answers: dict[str, str], headers: dict[str, str | None], allowed: bool
) -> None:
    response = {"status": 200, "headers": answers, "wait": "0.01s"}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "response": response}, "steps": steps}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

    found = {origin: send(flow, b"", method="OPTIONS", **({"origin": origin} if origin else {})) for origin in headers}

    name = "access-control-allow-origin"
    assert {origin: one.headers.get(name) for origin, one in found.items()} == headers
    assert {one.headers.get("access-control-allow-methods") for one in found.values()} <= {"POST, PUT, PATCH", None}
    # No worker answers here: the wait ends, and a page may read that, too.
    after = send(flow, b"{}", origin=A)
    assert (after.status, name in after.headers) == (202, allowed)


def test_a_preflight_says_nothing_where_the_flow_does_not(workspace: Workspace) -> None:
    answer = send(live(workspace), b"", method="OPTIONS")

    assert (answer.status, [name for name in answer.headers if name.startswith("access-control")]) == (204, [])


@pytest.mark.parametrize(
    ("steps", "lacks"),
    [
        (responding("{{ event.headers.origin }}"), True),
        (responding("{{ event.headers.origin }}", A), False),
        (responding(A), False),
        ([SAY], False),
        ([{"id": "r", "kind": "respond", "headers": ["no"]}, "no step"], False),
    ],
)
def test_a_flow_that_allows_origins_only_by_templates_is_reported(steps: list[Any], lacks: bool) -> None:
    assert cors.has_templated_origins_only({"trigger": {"kind": "webhook"}, "steps": steps}) == lacks
