"""Forged requests: signed through a handshake, or recorded and sent again in another form."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from relay.bodies import payloads
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake.event_data import EventData, event_context
from relay.engine.intake.event_json import event_to_json
from relay.models import Event, Flow, Run, Workspace
from tests.signatures.conftest import base64_of, hex_of
from tests.support.asgi_requests import Answered, in_turn
from tests.support.verifying import CONTENT_TYPES

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "s3cret-of-the-app"
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
CLAIMS = base64.urlsafe_b64encode(b'{"for_user_id":"42","dm":"pay 9000"}').decode().rstrip("=")
PUSH = b'{"ref": "refs/heads/main", "text": "a=b&c"}'


def live(workspace: Workspace, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    trigger_secrets.add(flow, {"secret": KEY})
    return flow


def send(flow: Flow, body: bytes, *each: dict[str, str]) -> list[Answered]:
    """The answers to one body under several sets of headers."""
    return in_turn(*((f"/in/{flow.trigger.token}", {"body": body, **headers}) for headers in each))


def under_every_type(**headers: str) -> list[dict[str, str]]:
    return [headers if one is None else {**headers, "content_type": one} for one in CONTENT_TYPES]


@pytest.mark.parametrize("challenge", [f"a.{CLAIMS}.a", "for_user_id=42", "1795000000", "null", "a:b", "+" * 256])
def test_a_challenge_that_x_would_sign_is_no_event(workspace: Workspace, challenge: str) -> None:
    flow = live(workspace, preset="x")
    quoted = "".join(f"%{ord(letter):02x}" for letter in challenge)

    asked = in_turn((f"/in/{flow.trigger.token}?crc_token={quoted}", {"method": "GET", "body": b""}))[0]
    signature = json.loads(asked.body)["response_token"]
    answers = send(flow, challenge.encode(), *under_every_type(x_twitter_webhooks_signature=signature))

    assert signature == "sha256=" + base64_of(KEY.encode(), challenge.encode())
    assert {(one.status, one.body) for one in answers} == {(401, b"")}
    assert not Event.objects.exists()


def test_an_event_of_x_is_taken_once_under_whatever_header(workspace: Workspace) -> None:
    flow, body = live(workspace, preset="x"), b'{"for_user_id": "42", "tweet_create_events": []}'
    signature = "sha256=" + base64_of(KEY.encode(), body)

    answers = send(flow, body, *under_every_type(x_twitter_webhooks_signature=signature))

    assert {one.status for one in answers} == {200}
    assert [one.headers.get("relay-duplicate") for one in answers] == [None, *["true"] * (len(answers) - 1)]
    assert payloads.parse(bytes(Event.objects.get().body), Event.objects.get().content_type) == json.loads(body)


def test_a_recorded_request_is_known_whatever_stands_beside_its_body(workspace: Workspace) -> None:
    flow = live(workspace, preset="github")
    signed = {"x_hub_signature_256": "sha256=" + hex_of(KEY, PUSH), "x_github_event": "push"}
    variants = [
        {**headers, "x_github_delivery": str(number), "x_github_event": event}
        for number, headers in enumerate(under_every_type(**signed))
        for event in ("push", "release")
    ]

    answers = send(flow, PUSH, *variants)

    assert {one.status for one in answers} == {202}
    assert len({one.body for one in answers}) == 1
    assert Event.objects.count() == Run.objects.count() == 1


@pytest.mark.parametrize("content_type", [one for one in CONTENT_TYPES if one is not None])
def test_a_recorded_request_that_comes_first_is_read_as_its_sender_meant_it(
    workspace: Workspace, content_type: str
) -> None:
    flow = live(workspace, preset="github")

    send(flow, PUSH, {"x_hub_signature_256": "sha256=" + hex_of(KEY, PUSH), "content_type": content_type})
    event = Event.objects.get()

    assert event.content_type == "application/json"
    assert event_context(EventData.from_model(event))["body"] == json.loads(PUSH)
    assert event_context(EventData.from_json(event_to_json(event)))["body"] == json.loads(PUSH), "as a sample, too"


def test_a_token_of_anybody_is_text(workspace: Workspace) -> None:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

    send(flow, f"a.{CLAIMS}.a".encode(), {"content_type": "application/jwt"})

    assert event_context(EventData.from_model(Event.objects.get()))["body"] == f"a.{CLAIMS}.a"


def test_a_trigger_says_what_its_bodies_are(workspace: Workspace) -> None:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "body_type": "form"}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

    send(flow, b"a=b", {"content_type": "text/plain"})

    assert event_context(EventData.from_model(Event.objects.get()))["body"] == {"a": "b"}
