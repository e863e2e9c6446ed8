"""A real Node-RED: it takes what `http.request` sends, and its webhooks arrive at Relay, verified."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest

from tests.real.flows_of_relay import Flow
from tests.real.node_red import PASSWORD, SIGNING_SECRET, USER, NodeRed
from tests.support.running import Relay

PDF = b"%PDF-1.7\n" + bytes(range(256))
HMAC = {"scheme": "hmac", "header": "X-Signature", "prefix": "sha256=", "timestamp": "X-Time"}
SIGNED = {"verify": {**HMAC, "signed": "{timestamp}.{body}"}, "dedupe": {"key": "{{ event.body.id }}"}}
BODIES = {
    "json": (
        {
            "json": {
                "text": "{{ event.body.text }}",
                "number": "{{ event.body.number }}",
                "none": None,
                "list": [1, True],
            }
        },
        {"text": "Grüße & 1=1 € 😀", "number": 12.5, "none": None, "list": [1, True]},
    ),
    "form": (
        {"form": {"text": "{{ event.body.text }}", "tag": ["a b", "c&d"], "line": [{"sku": "M-1"}]}},
        {"text": "Grüße & 1=1 € 😀", "tag": ["a b", "c&d"], "line": [{"sku": "M-1"}]},
    ),
    "text": ({"text": "{{ event.body.text }}", "type": "text/plain"}, "Grüße & 1=1 € 😀"),
}


@pytest.fixture(scope="session", autouse=True)
def password(shared_relay: Relay) -> None:
    shared_relay.command("variable", "set", "node_red", "--secret", given=f"{USER}:{PASSWORD}")


def calling(node_red: NodeRed, order: str, **inputs: Any) -> dict[str, Any]:
    url = f"{node_red.url}/orders/{{{{ event.body.part | default('new') | urlencode }}}}"
    headers = {"Authorization": "Basic {{ vars.node_red | base64_encode }}"}
    values = {"url": url, "headers": headers, "query": {"order": order}, **inputs}
    return {"id": "call", "kind": "action", "action": "http.request", "inputs": values, "retry": {"delays": []}}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_arrives_as_it_was_meant(shared_relay: Relay, node_red: NodeRed, kind: str) -> None:
    body, expected = BODIES[kind]
    # A node that takes uploads has no text: Node-RED reads only forms and JSON there.
    method = "PUT" if kind == "text" else "POST"
    checks = {
        "kind": "filter",
        "id": "made",
        "when": {"left": "{{ steps.call.body.id }}", "op": "equals", "right": kind},
    }
    flow = Flow(shared_relay, kind, calling(node_red, kind, method=method, body=body), checks, trigger={})

    flow.start({"text": "Grüße & 1=1 € 😀", "number": 12.5, "part": "a/b ü?#%2e"})

    flow.succeeded()
    (request,) = node_red.received(kind)
    assert request["payload"] == expected
    assert request["path"] == "/orders/a%2Fb%20%C3%BC%3F%23%252e"
    assert request["headers"]["idempotency-key"]


def test_a_form_with_a_file_arrives_byte_by_byte(shared_relay: Relay, node_red: NodeRed) -> None:
    parts = {"title": "Scan of {{ event.body.order }}", "document": "{{ event.files[0] }}", "more": {"a": [1]}}
    flow = Flow(shared_relay, "scan", calling(node_red, "scan", body={"multipart": parts}), trigger={})

    flow.start(data={"order": "№ 7"}, files={"file": ('Rechnung "ü".pdf', PDF, "application/pdf")})

    flow.succeeded()
    (request,) = node_red.received("scan")
    assert request["payload"] == {"title": "Scan of № 7", "more": '{"a":[1]}'}
    (file,) = request["files"]
    assert (file["field"], file["type"], base64.b64decode(file["content"])) == ("document", "application/pdf", PDF)


def test_a_busy_service_is_called_again_no_earlier_than_it_says(shared_relay: Relay, node_red: NodeRed) -> None:
    step = calling(node_red, "busy", query={"order": "busy", "busy": "2"}, body={"json": {}})
    flow = Flow(shared_relay, "busy", {**step, "retry": {"delays": ["10ms", "10ms"]}}, trigger={})

    flow.start({})

    flow.succeeded()
    requests = node_red.received("busy")
    assert len({one["headers"]["idempotency-key"] for one in requests}) == 1
    gaps = [later["at"] - earlier["at"] for earlier, later in pairwise(requests)]
    assert len(gaps) == 2
    assert min(gaps) >= 1990


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_other_methods_reach_their_nodes(shared_relay: Relay, node_red: NodeRed, method: str) -> None:
    query = {"order": method, "tag": ["a&b", "ü"], "none": None}
    flow = Flow(shared_relay, method, calling(node_red, method, method=method, query=query), trigger={})

    flow.start({})

    flow.succeeded()
    (request,) = node_red.received(method)
    assert (request["method"], request["query"]) == (method, {"order": method, "tag": ["a&b", "ü"]})


def test_a_wrong_password_is_refused_and_the_run_says_so(shared_relay: Relay, node_red: NodeRed) -> None:
    step = calling(node_red, "intruder", headers={"Authorization": "Basic {{ 'relay:no' | base64_encode }}"})
    flow = Flow(shared_relay, "intruder", step, trigger={})

    flow.start({})

    (run,) = flow.ended()
    assert (run["state"], "401" in run["reason"]) == ("failed", True)
    assert node_red.received("intruder") == []


def test_a_signed_webhook_of_node_red_starts_a_flow(shared_relay: Relay, node_red: NodeRed) -> None:
    keep = calling(node_red, "echo", body={"json": "{{ event.body }}"})
    flow = Flow(shared_relay, "signed", keep, trigger=SIGNED, secret=SIGNING_SECRET)
    body = {"id": 1, "text": "Grüße € 😀", "price": 12.50}
    given = {"url": flow.url, "body": body, "secret": SIGNING_SECRET}

    answers = [node_red.sends("/send-signed", given), node_red.sends("/send-signed", given)]
    refused = node_red.sends("/send-signed", {**given, "secret": "another"})

    assert [answer.status_code for answer in answers] == [202, 202]
    assert (refused.status_code, refused.text) == (401, "")
    flow.succeeded()
    assert [one["payload"] for one in node_red.received("echo")] == [body]


def test_a_user_of_node_red_signs_in_at_relay(shared_relay: Relay, node_red: NodeRed) -> None:
    trigger = {"verify": {"scheme": "basic"}, "response": {"status": 200, "wait": "30s"}}
    answer = {"id": "say", "kind": "respond", "status": 201, "body": {"got": "{{ event.body.text }}"}}
    flow = Flow(shared_relay, "basic", answer, trigger=trigger, secret={"username": USER, "password": PASSWORD})
    given = {"url": flow.url, "body": {"text": "Grüße"}}

    accepted, refused = node_red.sends("/send-basic", given), node_red.sends("/send-wrong", given)

    assert (accepted.status_code, accepted.json()) == (201, {"got": "Grüße"})
    assert refused.status_code == 401
    flow.succeeded()
