"""A real n8n: its webhooks take what `http.request` sends, and what its workflows send arrives at Relay, verified."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.real.flows_of_relay import Flow
from tests.real.n8n import HEADER, SIGNING_SECRET, TOKEN, N8n
from tests.support.running import Relay

PDF = b"%PDF-1.7\n" + bytes(range(256))
TEXT = "Grüße & 1=1 € 😀"


@pytest.fixture(scope="module")
def n8n() -> Iterator[N8n]:
    running = N8n()
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module", autouse=True)
def token(shared_relay: Relay) -> None:
    shared_relay.command("variable", "set", "n8n_token", "--secret", given=TOKEN)


def calling(url: str, **inputs: Any) -> dict[str, Any]:
    values = {"url": url, "headers": {HEADER: "{{ vars.n8n_token }}"}, **inputs}
    return {"id": "call", "kind": "action", "action": "http.request", "inputs": values, "retry": {"delays": []}}


def asking(relay: Relay, step: dict[str, Any]) -> Flow:
    """A flow that calls n8n and answers its caller with what n8n has answered."""
    answer = {"id": "say", "kind": "respond", "status": 200, "body": "{{ steps.call.body }}"}
    return Flow(relay, "ask", step, answer, trigger={"response": {"status": 202, "wait": "60s"}})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"json": {"text": "{{ event.body.text }}", "list": [1, None]}}, {"text": TEXT, "list": [1, None]}),
        ({"form": {"text": "{{ event.body.text }}", "tag": ["a b", "c&d"]}}, {"text": TEXT, "tag": ["a b", "c&d"]}),
        # n8n takes every part with a type, such as an object in JSON, for a file.
        (
            {"multipart": {"text": "{{ event.body.text }}", "more": "{{ {'a': [1]} | tojson }}", "part": {"a": 1}}},
            {"text": TEXT, "more": '{"a": [1]}'},
        ),
    ],
    ids=["json", "form", "multipart"],
)
def test_a_webhook_of_n8n_receives_a_body_as_it_was_meant(
    shared_relay: Relay, n8n: N8n, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    step = calling(n8n.webhook("orders"), query={"id": "a&b ü"}, body=body)
    flow = asking(shared_relay, step)

    answer = requests.post(flow.url, json={"text": TEXT}, timeout=60)

    flow.succeeded()
    received = answer.json()
    assert (received["body"], received["query"]) == (expected, {"id": "a&b ü"})
    assert received["headers"]["idempotency-key"]


def test_a_file_arrives_byte_by_byte(shared_relay: Relay, n8n: N8n) -> None:
    parts = {"title": "Scan", "document": "{{ event.files[0] }}"}
    flow = asking(shared_relay, calling(n8n.webhook("files"), body={"multipart": parts}))

    answer = requests.post(flow.url, files={"file": ("Rechnung ü.pdf", PDF, "application/pdf")}, timeout=60)

    flow.succeeded()
    assert base64.b64decode(answer.json()["data"]) == PDF


def test_a_webhook_without_its_token_is_refused_and_the_run_says_so(shared_relay: Relay, n8n: N8n) -> None:
    flow = Flow(shared_relay, "intruder", calling(n8n.webhook("orders"), headers={}), trigger={})

    flow.start({})

    (run,) = flow.ended()
    assert (run["state"], "403" in run["reason"]) == ("failed", True), run["reason"]


def test_a_signed_request_of_n8n_starts_a_flow(shared_relay: Relay, n8n: N8n) -> None:
    verify = {"scheme": "hmac", "header": "X-Signature"}
    answer = {"id": "say", "kind": "respond", "status": 201, "body": {"got": "{{ event.body }}"}}
    trigger = {"verify": verify, "response": {"status": 202, "wait": "30s"}}
    flow = Flow(shared_relay, "signed", answer, trigger=trigger, secret=SIGNING_SECRET)
    body = {"id": 1, "text": TEXT, "price": 12.5}
    given = {"url": flow.url, "body": body, "secret": SIGNING_SECRET}

    accepted = n8n.sends("send-signed", given)
    refused = n8n.sends("send-signed", {**given, "secret": "another"})

    assert accepted == (201, {"got": body})
    assert refused[0] == 401
    flow.succeeded()


def test_a_token_of_n8n_verifies_its_requests(shared_relay: Relay, n8n: N8n) -> None:
    trigger = {"verify": {"scheme": "header", "header": HEADER}}
    accepting = Flow(shared_relay, "token", trigger=trigger, secret=TOKEN)
    refusing = Flow(shared_relay, "another", trigger=trigger, secret="another token than that of n8n")

    statuses = [n8n.sends("send-token", {"url": flow.url, "body": {}})[0] for flow in (accepting, refusing)]

    assert statuses == [202, 401]
    accepting.succeeded()
    assert refusing.runs() == []
