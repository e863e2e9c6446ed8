"""Responses of flows use the charset of their Content-Type, whether literal or rendered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.errors import DocumentFaults
from relay.ingest.application import Ingest
from relay.models import Flow, Run, Workspace
from tests.ingest.test_waiting_callers import a_worker, hold, path, waiting
from tests.support.asgi_requests import Answered, in_turn, serve

pytestmark = pytest.mark.django_db(transaction=True)

TYPES = [
    ("text/plain; charset=iso-8859-1", "Grüße, Jörg", b"Gr\xfc\xdfe, J\xf6rg"),
    ('text/csv; charset="ISO-8859-15"; header=present', "10 €", b"10 \xa4"),
    ("text/html;charset=windows-1252", "10 €", b"10 \x80"),
    ("text/plain; charset=Shift_JIS", "注文", "注文".encode("shift_jis")),
    ("text/plain; charset=koi8-r", "жук", "жук".encode("koi8-r")),
    ("application/json; charset=utf-8", '{"n": "ö 😀"}', '{"n": "ö 😀"}'.encode()),
    ("text/plain; charset=utf-16le", "é", b"\xe9\0"),
    ("text/plain", "ö", b"\xc3\xb6"),
]


def static(workspace: Workspace, **response: Any) -> Flow:
    step = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "response": response}, "steps": [step]}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


def respond(kind: str, body: Any) -> dict[str, Any]:
    return {"id": "answer", "kind": "respond", "headers": {"content-TYPE": kind}, "body": body}


def answered(flow: Flow, name: str) -> Answered:
    """What a caller gets who waits for the flow's run."""
    body = json.dumps({"name": name}).encode()

    async def visit(ingest: Ingest) -> Answered:
        return await hold(ingest, flow, body)

    with a_worker():
        found: Answered = serve(visit)
    return found


@pytest.mark.parametrize(("kind", "text", "sent"), TYPES)
def test_an_answer_that_is_written_out(workspace: Workspace, kind: str, text: str, sent: bytes) -> None:
    flow = static(workspace, status=200, headers={"Content-Type": kind}, body=text)

    [found] = in_turn((path(flow), {}))

    assert (found.status, found.body, found.headers["content-type"]) == (200, sent, kind)


@pytest.mark.parametrize(("kind", "text", "sent"), TYPES)
def test_an_answer_that_a_step_renders(workspace: Workspace, kind: str, text: str, sent: bytes) -> None:
    found = answered(waiting(workspace, respond(kind, "{{ event.body.name }}")), text)

    assert (found.status, found.body, found.headers["content-type"]) == (200, sent, kind)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("application/json; charset=iso-8859-1", b'{"n": "J\\u00f6rg \\u20ac"}'),
        ("application/json; charset=utf-8", '{"n":"Jörg €"}'.encode()),
        ("application/json", '{"n":"Jörg €"}'.encode()),
    ],
)
def test_json_that_a_step_renders_is_never_short_of_a_character(workspace: Workspace, kind: str, sent: bytes) -> None:
    found = answered(waiting(workspace, respond(kind, {"n": "{{ event.body.name }}"})), "Jörg €")

    assert (found.status, found.body) == (200, sent)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("text/plain; charset=iso-8859-1", "10 €", "“€” (U+20AC) in it, which iso8859-1 doesn't have"),
        ("text/plain; charset=us-ascii", "Jörg", "“ö” (U+00F6) in it, which ascii doesn't have"),
        ("text/plain; charset=punycode", "Jörg", "a charset that Relay doesn't know"),
        ("text/plain; charset=nonsense", "Jörg", "a charset that Relay doesn't know"),
    ],
)
def test_what_the_charset_does_not_have_fails_the_step(workspace: Workspace, kind: str, text: str, said: str) -> None:
    found = answered(waiting(workspace, respond(kind, "{{ event.body.name }}")), text)

    run = Run.objects.get()
    assert (found.status, found.headers["relay-state"], run.state) == (202, "failed", "failed")
    assert said in run.reason


@pytest.mark.parametrize(
    ("kind", "text"), [("text/plain; charset=iso-8859-1", "10 €"), ("text/plain; charset=nonsense", "ö")]
)
def test_an_answer_written_out_that_its_charset_cannot_hold_is_not_published(
    workspace: Workspace, kind: str, text: str
) -> None:
    with pytest.raises(DocumentFaults, match=r"trigger\.response\.body: The "):
        static(workspace, status=200, headers={"Content-Type": kind}, body=text)
