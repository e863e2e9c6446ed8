"""Payloads in forms, signatures in fields and trailing slashes, as some senders use them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings

from relay.bodies.body_types import decide
from relay.bodies.payloads import parse
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake.event_data import EventData, event_context
from relay.errors import DocumentFaults
from relay.models import Event, Flow, Workspace
from tests.signatures.conftest import base64_of, hex_of
from tests.support.asgi_requests import Answered, in_turn

pytestmark = pytest.mark.django_db(transaction=True)

KEY = b"s3cret-of-the-sender"
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
FORM = "application/x-www-form-urlencoded"
XX = "multipart/form-data; boundary=XX"


def live(workspace: Workspace, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    if trigger.get("preset") or trigger.get("verify"):
        trigger_secrets.add(flow, {"secret": KEY.decode()})
    return flow


def send(flow: Flow, body: bytes, path: str = "", method: str = "POST", **headers: str) -> Answered:
    return in_turn((f"/in/{flow.trigger.token}{path}", {"body": body, "method": method, **headers}))[0]


def body_of_event() -> Any:
    return event_context(EventData.from_model(Event.objects.get()))["body"]


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", "application/json", "text/plain"])
def test_githubs_form_is_opened(workspace: Workspace, content_type: str) -> None:
    push = {"repository": {"full_name": "a/b"}, "text": "ö & = +"}
    body = urlencode({"payload": json.dumps(push)}).encode()

    answer = send(
        live(workspace, preset="github"),
        body,
        content_type=content_type,
        x_hub_signature_256=f"sha256={hex_of(KEY.decode(), body)}",
    )

    assert (answer.status, body_of_event()) == (202, push)


def test_slacks_form_is_opened(workspace: Workspace) -> None:
    body, now = urlencode({"payload": '{"type":"block_actions","trigger_id":"1"}'}).encode(), str(int(time.time()))
    signature = f"v0={hex_of(KEY.decode(), f'v0:{now}:'.encode() + body)}"

    answer = send(
        live(workspace, preset="slack_commands"), body, x_slack_signature=signature, x_slack_request_timestamp=now
    )

    assert (answer.status, body_of_event()["type"]) == (200, "block_actions")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"payload=%7B%22a%22%3A1%7D", {"a": 1}),
        (b"payload=%5B1%5D", [1]),
        (b"payload=not+json", {"payload": "not json"}),
        (b"payload=1&payload=2", {"payload": ["1", "2"]}),
        (b"payload=%7B%7D&b=2", {"payload": {}, "b": "2"}),
        (b"other=%7B%7D", {"other": "{}"}),
    ],
)
def test_a_field_of_json_is_opened_where_it_is_json(body: bytes, value: Any) -> None:
    assert parse(body, decide(FORM, ("form",), body, ("payload",))) == value


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"event":"push","q":"a=b&c=d+e"}', {"event": "push", "q": "a=b&c=d+e"}),
        (b' [{"a": "%41"}]\n', [{"a": "%41"}]),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b"{a}={b}", {"{a}": "{b}"}),
        (b'{"a":1}&b={}', {'{"a":1}': "", "b": "{}"}),
        (b"a=%7B%7D", {"a": "{}"}),
    ],
)
def test_json_under_the_type_of_a_form_is_json(body: bytes, value: Any) -> None:
    found = parse(body, decide(f"{FORM}; charset=UTF-8", (), body))

    assert found == value


@pytest.mark.parametrize("body", [b'{"a":"x=1"}', b"[1]"])
def test_what_a_preset_says_counts_more_than_what_looks_like_json(body: bytes) -> None:
    assert decide(FORM, ("form",), body) == FORM


def fields(**values: str) -> list[tuple[bytes, str]]:
    form = urlencode(values).encode()
    parts = "".join(
        f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in values.items()
    )
    return [(form, FORM), (f"{parts}--XX--\r\n".encode(), XX), (json.dumps(values).encode(), "application/json")]


@pytest.mark.parametrize("place", range(3))
def test_a_signature_may_be_a_field_of_the_body(workspace: Workspace, place: int) -> None:
    verify = {"scheme": "hmac", "header": "body:signature", "timestamp": "body:timestamp"}
    flow = live(workspace, verify={**verify, "signed": "{timestamp}{body:token}"})
    now, token = str(int(time.time())), "t0k3n"
    signed = hmac.new(KEY, f"{now}{token}".encode(), hashlib.sha256).hexdigest()

    def status(**changes: str) -> int:
        values = {"timestamp": now, "token": token, "signature": signed, "subject": "Hi", **changes}
        body, content_type = fields(**values)[place]
        return send(flow, body, content_type=content_type).status

    assert status() == 202
    assert [status(token="other"), status(signature="00"), status(timestamp="1000")] == [401, 401, 401]


def test_a_repeated_field_of_a_signature_is_refused(workspace: Workspace) -> None:
    verify = {"scheme": "hmac", "header": "body:signature", "signed": "{body:token}"}
    body = f"token=t&signature={hex_of(KEY.decode(), b't')}"

    answers = [send(live(workspace, verify=verify), text.encode()) for text in (body, f"{body}&token=u")]

    assert [one.status for one in answers] == [202, 401]


@pytest.mark.parametrize(
    ("verify", "message"),
    [
        ({"header": "body:", "signed": "{body:token}"}, "name of the field"),
        ({"header": "body:signature"}, "signs fields of the body"),
        ({"header": "body:signature", "signed": "{url}"}, "signs fields of the body"),
        ({"header": "X-Signature", "signed": "{body:token}"}, "has to hold {body}"),
    ],
)
def test_a_signature_in_the_body_signs_fields(workspace: Workspace, verify: dict[str, str], message: str) -> None:
    with pytest.raises(DocumentFaults) as refused:
        live(workspace, verify={"scheme": "hmac", **verify})

    assert message in str(refused.value)


@pytest.fixture
def django(settings: Any) -> Any:
    return settings


SENT = ["/?a=%40%3A%27", "?a=@:'", "?a=%40:%27", "?a=%3a"]


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("signed", ["as it came", "plain", "escaped"])
@pytest.mark.parametrize("port", ["", ":80", "its own"])
def test_twilio_signs_its_query_in_several_spellings(
    workspace: Workspace, django: Any, sent: str, signed: str, port: str
) -> None:
    flow = live(workspace, preset="twilio")
    path, _, query = sent.partition("?")
    plain = query.replace("%40", "@").replace("%3A", ":").replace("%3a", ":").replace("%27", "'")
    spelled = {"as it came": query, "plain": plain, "escaped": "a=" + quote(plain[2:], safe="")}[signed]
    base = settings.PUBLIC_URL if port == "its own" else "http://localhost"
    django.PUBLIC_URL, base = base, base + port.replace("its own", "")
    url = f"{base}/in/{flow.trigger.token}{path}?{spelled}"

    def status(signature: str) -> int:
        return send(flow, b"Body=x", sent, x_twilio_signature=signature, content_type=FORM).status

    assert status(base64_of(KEY, f"{url}Bodyx".encode(), "sha1")) == 200
    assert status(base64_of(KEY, f"{url}xBodyx".encode(), "sha1")) == 401


def test_a_slash_at_the_end_is_taken(workspace: Workspace) -> None:
    flow = live(workspace)

    statuses = [send(flow, b"{}", path).status for path in ("/", "/?a=1", "//", "/x", "%2F")]

    assert statuses == [202, 202, 404, 404, 404]


def test_parts_of_json_are_values() -> None:
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="payload"\r\nContent-Type: application/json\r\n\r\n'
        b'{"event": "media.play", "n": [1]}\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="bad"\r\nContent-Type: application/json\r\n\r\n{no\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="thumb"; filename="t.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        b"\xff\xd8\r\n--XX--\r\n"
    )

    assert parse(body, XX) == {
        "payload": {"event": "media.play", "n": [1]},
        "bad": "{no",
        "thumb": {"filename": "t.jpg", "content_type": "image/jpeg", "size": 2},
    }
