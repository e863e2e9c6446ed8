"""Senders that put JSON or XML into a form field: Mandrill, Mailgun's routes, Braintree, Dropbox Sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from django.conf import settings

from relay.bodies import json_size, parse_cost
from relay.bodies.body_types import MAX_CHARACTERS, decide
from relay.bodies.payloads import parse
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake.event_data import EventData, event_context
from relay.models import Event, Flow, Run, Workspace
from tests.support.asgi_requests import Answered, in_turn

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "s3cret-of-the-sender"
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
FORM = "application/x-www-form-urlencoded"
MAILS = [{"event": "send", "_id": "m1", "msg": {"subject": "ö"}}, {"event": "open", "_id": "m2", "msg": {}}]


def live(workspace: Workspace, secret: dict[str, str] | None = None, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    trigger_secrets.add(flow, secret or {"secret": KEY})
    return flow


def send(flow: Flow, body: bytes, query: str = "", **headers: str) -> Answered:
    return in_turn((f"/in/{flow.trigger.token}{query}", {"body": body, **headers}))[0]


def event() -> dict[str, Any]:
    return event_context(EventData.from_model(Event.objects.get()))


def mandrill(flow: Flow, body: bytes, signed: str, query: str = "") -> Answered:
    """What Mandrill sends, with the signature of `signed` behind the URL."""
    url = f"{settings.PUBLIC_URL}/in/{flow.trigger.token}"
    signature = base64.b64encode(hmac.digest(KEY.encode(), (url + signed).encode(), "sha1")).decode()
    return send(flow, body, query, content_type=FORM, x_mandrill_signature=signature)


def test_mandrills_events_are_the_body(workspace: Workspace) -> None:
    text = json.dumps(MAILS)

    answer = mandrill(
        live(workspace, preset="mandrill"), urlencode({"mandrill_events": text}).encode(), f"mandrill_events{text}"
    )

    found = event()
    assert (answer.status, found["body"], found["form"]) == (200, MAILS, {"mandrill_events": text})


def test_mandrills_events_are_split(workspace: Workspace) -> None:
    text = json.dumps(MAILS)
    flow = live(workspace, preset="mandrill", split="{{ event.body }}")

    mandrill(flow, urlencode({"mandrill_events": text}).encode(), f"mandrill_events{text}")

    assert list(Run.objects.order_by("part").values_list("part", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    ("again", "query"),
    [
        (urlencode({"mandrill_events": '[{"_id":"m1"}]'}), ""),
        ("%6dandrill_events=" + quote_plus('[{"_id":"m1"}]'), ""),
        ("\ufeffmandrill_events=" + quote_plus('[{"_id":"m1"}]'), ""),
        (
            urlencode({"mandrill_events": '[{"_id":"m1"}]'}).encode().decode()
            + "&mandrill_events=%5B%7B%22_id%22%3A%22m1%22%7D%5D",
            "",
        ),
        ("mandrill_event=" + quote_plus('s[{"_id":"m1"}]'), ""),
        ("mandrill_events%5B%7B%22_id%22=" + quote_plus(':"m1"}]'), ""),
        ("mandrill_events%5B%7B%22_id%22%3A%22m1%22%7D%5D", ""),
    ],
)
def test_mandrills_form_is_one_event_however_it_is_divided(workspace: Workspace, again: str, query: str) -> None:
    """Its signature doesn't show where a name ends, and the same request may be written in other ways."""
    flow = live(workspace, preset="mandrill")
    text = '[{"_id":"m1"}]'

    answers = [
        mandrill(flow, body.encode(), f"mandrill_events{text}", query)
        for body in (urlencode({"mandrill_events": text}), again)
    ]

    assert [one.status for one in answers] == [200, 200]
    assert answers[1].headers["relay-duplicate"] == "true"
    assert Run.objects.count() == 1


def test_other_events_of_mandrill_are_other_events(workspace: Workspace) -> None:
    flow = live(workspace, preset="mandrill")

    for text in ('[{"_id":"m1"}]', '[{"_id":"m2"}]', "[]"):
        mandrill(flow, urlencode({"mandrill_events": text}).encode(), f"mandrill_events{text}")

    assert Run.objects.count() == 3


def test_mandrills_probe_is_answered(workspace: Workspace) -> None:
    flow = live(workspace, preset="mandrill")

    assert in_turn((f"/in/{flow.trigger.token}", {"method": "HEAD"}))[0].status == 200


HEADERS = [["Received", "by made-up"], ["Subject", "Größe?"]]


def route(token: str = "t0ken", **changes: str) -> dict[str, str]:
    """The fields of a mail as a route of Mailgun sends them."""
    now = changes.pop("now", str(int(time.time())))
    return {
        "recipient": "orders@mg.example.com",
        "subject": "Größe?",
        "body-plain": "a=1&b=2\r\n> old\r\n",
        "message-headers": json.dumps(HEADERS),
        "attachment-count": "2",
        "timestamp": now,
        "token": token,
        "signature": hmac.digest(KEY.encode(), f"{now}{token}".encode(), "sha256").hex(),
        **changes,
    }


FILES = (
    b'--=_b.1\r\nContent-Disposition: form-data; name="attachment-1"; filename="a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nsku;n\r\n--=_b.1\r\n"
    b"Content-Disposition: form-data; name=\"attachment-2\"; filename*=utf-8''%C3%B6.png\r\n"
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n"
)


def multipart(fields: dict[str, str], files: bytes = FILES) -> bytes:
    texts = "".join(
        f'--=_b.1\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    return texts.encode() + files + b"--=_b.1--\r\n"


@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary==_b.1", "text/plain"])
@pytest.mark.parametrize("has_files", [True, False])
def test_a_mail_of_a_mailgun_route_is_taken(workspace: Workspace, has_files: bool, content_type: str) -> None:
    body = multipart(route()) if has_files else urlencode(route()).encode()

    answer = send(live(workspace, preset="mailgun_routes"), body, content_type=content_type)

    found = event()["body"]
    assert (answer.status, found["subject"], found["message-headers"]) == (200, "Größe?", HEADERS)
    if has_files:
        assert found["attachment-1"] == {"filename": "a.csv", "content_type": "text/csv", "size": 5, "text": "sku;n"}
        assert found["attachment-2"] == {"filename": "ö.png", "content_type": "image/png", "size": 8}


@pytest.mark.parametrize("is_multipart", [True, False])
@pytest.mark.parametrize(
    "changes", [{"token": "other"}, {"signature": "00"}, {"signature": ""}, {"timestamp": "1"}, {"now": "1600000000"}]
)
def test_a_route_that_is_not_signed_is_refused(
    workspace: Workspace, changes: dict[str, str], is_multipart: bool
) -> None:
    fields = route(**{k: v for k, v in changes.items() if k == "now"}) | {
        k: v for k, v in changes.items() if k != "now"
    }
    body = multipart(fields) if is_multipart else urlencode(fields).encode()

    assert send(live(workspace, preset="mailgun_routes"), body).status == 401


def test_a_mail_of_a_route_comes_once(workspace: Workspace) -> None:
    flow, first = live(workspace, preset="mailgun_routes"), route()

    for body in (urlencode(first).encode(), multipart(first), urlencode(route("another")).encode()):
        assert send(flow, body).status == 200

    assert Run.objects.count() == 2


def test_braintrees_xml_is_opened(workspace: Workspace) -> None:
    secret = {"public_key": "pub", "private_key": "priv"}
    xml = b'<?xml version="1.0" encoding="ISO-8859-1"?><notification><kind>check</kind><by>J\xf6rg</by></notification>'
    payload = base64.encodebytes(xml).decode()
    key = hashlib.sha1(b"priv").digest()
    signature = f"pub|{hmac.digest(key, payload.encode(), 'sha1').hex()}"
    body = urlencode({"bt_signature": signature, "bt_payload": payload}).encode()

    answer = send(live(workspace, secret, preset="braintree"), body, content_type=FORM)

    assert (answer.status, event()["body"]["bt_payload"]) == (200, {"notification": {"kind": "check", "by": "Jörg"}})


@pytest.mark.parametrize("is_multipart", [True, False])
def test_dropbox_signs_json_is_the_body(workspace: Workspace, is_multipart: bool) -> None:
    signed = hmac.digest(KEY.encode(), b"1700000000sent", "sha256").hex()
    told = {"event": {"event_time": "1700000000", "event_type": "sent", "event_hash": signed}, "account_guid": "1"}
    fields = {"json": json.dumps(told)}
    body = multipart(fields, b"") if is_multipart else urlencode(fields).encode()

    answer = send(live(workspace, preset="dropbox_sign"), body)

    assert (answer.status, answer.body, event()["body"]) == (200, b"Hello API Event Received", told)


BOMB = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<a><b>1</b></a>", {"a": {"b": "1"}}),
        (' \n{"a": "<b>"}', {"a": "<b>"}),
        (base64.b64encode(b"<a>1</a>").decode(), {"a": "1"}),
        ("QUJD", None),
        ("1234", 1234),
        ("<a>", None),
        ("", None),
        (BOMB, None),
        (base64.b64encode(BOMB.encode()).decode(), None),
        ("[" * 100 + "]" * 100, None),
        ("[" + "[]," * json_size.MAX_CONTAINERS + "[]]", None),
        ('"\ud800"'.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "\ufffd"),
    ],
)
def test_a_field_that_holds_no_document_stays_as_it_is(text: str, value: Any) -> None:
    body = urlencode({"x": text, "other": text}).encode()

    found = parse(body, decide(FORM, ("form",), body, ("a", "x")))

    assert found == {"x": text if value is None else value, "other": text}


def test_a_type_that_would_be_too_long_to_store_opens_nothing() -> None:
    body = b"--" + b"b" * 200 + b'\r\nContent-Disposition: form-data; name="x"\r\n\r\n{}\r\n--' + b"b" * 200 + b"--\r\n"

    found = decide("", ("multipart",), body, ("a" * 20, "x"))

    assert len(found) <= MAX_CHARACTERS
    assert parse(body, found) == {"x": "{}"}


@pytest.mark.parametrize(("elements", "is_long"), [(20_000, True), (6_000, False)])
def test_xml_in_base64_counts_as_long_where_it_is(elements: int, is_long: bool) -> None:
    body = urlencode({"x": base64.b64encode(b"<a>" + b"<b/>" * elements + b"</a>")}).encode()
    said = decide(FORM, ("form",), body, ("x",))

    assert (parse_cost.takes_long(body, said), parse_cost.is_light(body[:5_000], said)) == (is_long, False)
