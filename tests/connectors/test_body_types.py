"""Tests that no unsigned header changes an event, for any preset, content type and generic scheme."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from relay import templating
from relay.bodies.body_types import MEDIA_TYPES
from relay.connectors import registry
from relay.connectors.definition import Preset
from relay.engine.intake import arrival_keys
from relay.engine.intake.request_verification import ACCEPTED
from relay.engine.intake.trigger_rules import rules
from relay.errors import RelayError
from relay.flows.document import TriggerSettings
from relay.flows.verification import verification, with_preset
from relay.signatures import Named, Scheme, SenderRequest
from tests.signatures.conftest import NOW, URL
from tests.support.genuine_requests import Genuine, genuine, secret_of, signing_presets
from tests.support.verifying import CONTENT_TYPES, body_of, event_of, guard_of, typed

SIGNING = [pytest.param(one, id=one.key) for one in signing_presets()]
PRESETS = [preset for _, preset in registry.presets().values()]
DELIVERY_IDS = {
    "x-github-delivery",
    "x-request-uuid",
    "x-atlassian-webhook-identifier",
    "box-delivery-id",
    "i-twilio-idempotency-token",
    "x-shopify-webhook-id",
    "x-shopify-event-id",
    "x-zendesk-webhook-invocation-id",
    "x-razorpay-event-id",
    "x-wc-webhook-delivery-id",
    "linear-delivery",
    "idempotency-key",
    "request-id",
    "user-agent",
}
# Senders that sign less than the body: the key of what comes twice can't be made of what is signed alone.
UNSIGNED_BODIES = {"dropbox_sign", "microsoft_graph_rich", "paypal"}


@pytest.mark.parametrize("preset", SIGNING)
def test_no_content_type_changes_a_signed_event(preset: Preset) -> None:
    trigger, made = TriggerSettings(kind="webhook", preset=preset.key), genuine(preset.key)
    guard = guard_of(trigger, made.secret)
    requests = [typed(made.request(), content_type) for content_type in CONTENT_TYPES]

    judgements = [guard.verify(one, NOW) for one in requests]
    bodies = [body_of(trigger, one) for one in requests]

    assert judgements == [ACCEPTED] * len(requests)
    assert bodies == [body_of(trigger, made.request())] * len(requests)
    assert isinstance(bodies[0], dict | list)


@pytest.mark.parametrize(
    ("key", "body", "value"),
    [
        ("github", b"payload=%7B%22ref%22%3A%22main%22%7D", {"ref": "main"}),
        ("contentful", b"sys%5Bid%5D=1", {"sys[id]": "1"}),
        ("zendesk", b"ticket_id=5&status=open", {"ticket_id": "5", "status": "open"}),
        ("zendesk", b"<ticket><id>5</id></ticket>", {"ticket": {"id": "5"}}),
        ("docusign", b'<?xml version="1.0"?>\n<a><b>1</b></a>', {"a": {"b": "1"}}),
        ("shopify", b'<?xml version="1.0" encoding="UTF-8"?><order><id>1</id></order>', {"order": {"id": "1"}}),
        ("vonage", b"message_uuid=m&status=sent", {"message_uuid": "m", "status": "sent"}),
        ("messagebird", b"id=1&status=sent", {"id": "1", "status": "sent"}),
        ("dropbox_sign", b"json=%7B%7D", {}),
        ("mandrill", b"mandrill_events=%5B%7B%22_id%22%3A1%7D%5D", [{"_id": 1}]),
        (
            "braintree",
            b"bt_payload=PGE%2BMTwvYT4%3D%0A&bt_signature=s",
            {"bt_payload": {"a": "1"}, "bt_signature": "s"},
        ),
        (
            "mailgun_routes",
            b"token=t&message-headers=%5B%5B%22A%22%2C%22b%22%5D%5D",
            {"token": "t", "message-headers": [["A", "b"]]},
        ),
        ("slack_commands", b"payload=%7B%7D", {}),
        ("mailchimp", b"type=subscribe&data%5Bid%5D=8", {"type": "subscribe", "data[id]": "8"}),
        ("aws_sns", b'\xef\xbb\xbf\r\n {"Type": "Notification"}', {"Type": "Notification"}),
    ],
)
def test_a_sender_of_several_types_is_read_by_what_it_sent(key: str, body: bytes, value: Any) -> None:
    trigger = TriggerSettings(kind="webhook", preset=key)

    bodies = [body_of(trigger, typed(SenderRequest("POST", URL, {}, body), one)) for one in CONTENT_TYPES]

    assert bodies == [value] * len(CONTENT_TYPES)


def signed_headers(preset: Preset) -> set[str]:
    """The headers that a scheme signs: those that it names, and its time."""
    if isinstance(preset.verify, Named):
        return set()
    found = set(re.findall(r"\{header:([^{}]+)\}", preset.verify.signed))
    stamp = preset.verify.timestamp
    if stamp and "{timestamp}" in preset.verify.signed:
        found.add(stamp.source[7:] if stamp.source.startswith("header:") else preset.verify.signature.sources[0][7:])
    return found


@pytest.mark.parametrize("preset", SIGNING)
def test_the_key_of_what_comes_twice_is_made_of_what_is_signed(preset: Preset) -> None:
    named = templating.names(preset.dedupe) if preset.dedupe else set()
    headers = {match[1] for name in named if (match := re.fullmatch(r"event\.headers\['([^']+)'\]", name))}
    whole = preset.verify if isinstance(preset.verify, Scheme) else None

    assert headers <= signed_headers(preset)
    assert all(re.match(r"event\.(body|form|raw|query|headers\[)", name) for name in named)
    # The query is signed where the URL is.
    assert "event.query" not in named or (whole and "{url}" in whole.signed)
    # Of a form and of fields the values are signed, not how they are written.
    assert "event.raw" not in named or whole is None or "{body}" in whole.signed or whole.body_hash


def key_of(trigger: TriggerSettings, request: SenderRequest) -> str | None:
    """The digest by which an arrival is recognised."""
    return arrival_keys.derive(rules({}, with_preset(trigger), is_live=True), event_of(trigger, request)).duplicate


@pytest.mark.parametrize("preset", [one for one in SIGNING if one.values[0].dedupe])  # type: ignore[union-attr]
def test_no_unsigned_header_makes_another_event_of_it(preset: Preset) -> None:
    trigger, made = TriggerSettings(kind="webhook", preset=preset.key), genuine(preset.key)
    every = {name for _, other in registry.presets().values() for name in words_of(other)}
    other = dict.fromkeys(every - made.headers.keys(), "another")

    first = key_of(trigger, made.request())
    again = [key_of(trigger, made.request(**headers)) for headers in changed(made, other)]

    assert first is not None
    assert set(again) == {first}


@pytest.mark.parametrize("preset", SIGNING)
@pytest.mark.parametrize("scheme", ["hmac", "standard_webhooks", "github"])
def test_beside_another_scheme_no_header_of_the_preset_is_a_key(preset: Preset, scheme: str) -> None:
    verify = {"scheme": scheme, **({"header": "X-Sig"} if scheme == "hmac" else {})}
    trigger = msgspec.convert({"kind": "webhook", "preset": preset.key, "verify": verify}, TriggerSettings)

    dedupe = with_preset(trigger).dedupe

    assert dedupe is None or "event.headers" not in dedupe.key or preset.verifies_as == scheme


def words_of(preset: Preset) -> set[str]:
    """The names of headers that a preset reads, and of ids that senders put beside what they sign."""
    return set(re.findall(r"headers\['([^']+)'\]", preset.dedupe + preset.event)) | DELIVERY_IDS


def changed(made: Genuine, other: dict[str, str]) -> Iterator[dict[str, str]]:
    """Headers to put into a request: each alone, all at once, and other spellings of those that it has."""
    yield from ({name: value} for name, value in other.items())
    yield other
    yield from ({"content-type": one or ""} for one in CONTENT_TYPES)
    signature = made.headers.get("sanity-webhook-signature", "")
    if signature:
        yield {"sanity-webhook-signature": f"{signature},v1=AAAA, xt=5,v2=t=6"}
        yield {"sanity-webhook-signature": f"xt=5,\t{signature}"}


@pytest.mark.parametrize("preset", SIGNING)
def test_a_signature_that_leaves_something_out_is_said_to(preset: Preset) -> None:
    signs = preset.verify.signed if isinstance(preset.verify, Scheme) else "{body}"
    whole = "{body}" in signs or (isinstance(preset.verify, Scheme) and preset.verify.body_hash is not None)

    assert whole or preset.caution or preset.key in {"braintree", "mandrill"}
    assert preset.key not in UNSIGNED_BODIES or preset.caution
    assert preset.dedupe or preset.caution or isinstance(preset.verify, Named), "it can be sent again"


FIELDS = b"Body=pay+1&From=%2B1&MessageSid=SM1"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("a=1", b"MessageSid=SM1&From=%2B1&Body=pay+1"),
        ("a=1", b"B%6fdy=pay%201&From=%2B1&MessageSid=SM1"),
        ("a=1", FIELDS + b"&From=%2B1"),
        ("a=1", b"Bod=ypay+1&From=%2B1&MessageSid=SM1"),
        ("a=1", b"Bodypay+1=&From%2B=1&MessageSid=SM1"),
        ("a=1", b"Body=pay+1From%2B1&MessageSid=SM1"),
        ("a=", b"1Body=pay+1&From=%2B1&MessageSid=SM1"),
    ],
)
def test_a_form_that_is_divided_in_another_way_is_the_same_event(query: str, body: bytes) -> None:
    """Twilio's signature doesn't show where a name or the URL ends."""
    trigger, preset = TriggerSettings(kind="webhook", preset="twilio"), registry.preset("twilio")
    secret = secret_of(preset)
    signature = base64.b64encode(
        hmac.digest(secret["secret"].encode(), f"{URL}?a=1Bodypay 1From+1MessageSidSM1".encode(), "sha1")
    ).decode()
    guard = guard_of(trigger, secret)
    headers = {"x-twilio-signature": signature}
    first, again = (
        SenderRequest("POST", f"{URL}?{asked}", headers, sent) for asked, sent in (("a=1", FIELDS), (query, body))
    )

    assert guard.verify(first, NOW) == guard.verify(again, NOW) == ACCEPTED
    assert key_of(trigger, again) == key_of(trigger, first) is not None


@pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.key)
def test_a_preset_says_what_its_bodies_are(preset: Preset) -> None:
    found = verification(TriggerSettings(kind="webhook", preset=preset.key))

    assert found.body_types == preset.body_types
    assert set(preset.body_types) <= MEDIA_TYPES.keys()
    assert ("token" in preset.body_types) == (
        isinstance(preset.verify, Named) and preset.verify.verifier == "signed_body"
    )


def test_a_preset_that_does_not_say_it_is_none() -> None:
    with pytest.raises(ValueError, match="The preset github does not say what its bodies are"):
        replace(registry.preset("github"), body_types=())


GENERIC = [
    (b'{"a": "b"}', {"a": "b"}),
    (b"\xef\xbb\xbf [1, 2]", [1, 2]),
    (b"a=b&c=%C3%A9", {"a": "b", "c": "é"}),
    (b'payload={"a":1}', {"payload": '{"a":1}'}),
    (b"<a>b</a>", {"a": "b"}),
    (b"<html>a</html>", "<html>a</html>"),
    (b"a.eyJhIjoxfQ.a", "a.eyJhIjoxfQ.a"),
    (b"[INFO] up", "[INFO] up"),
    (
        b'--b1\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b1--\r\n',
        {"a": "b"},
    ),
]


@pytest.mark.parametrize("verify", [{"scheme": "hmac", "header": "X-Sig"}, {"scheme": "standard_webhooks"}])
@pytest.mark.parametrize(("body", "value"), GENERIC)
def test_a_signed_body_of_no_preset_is_what_it_looks_like(verify: dict[str, Any], body: bytes, value: Any) -> None:
    trigger = msgspec.convert({"kind": "webhook", "verify": verify}, TriggerSettings)

    bodies = [body_of(trigger, typed(SenderRequest("POST", URL, {}, body), one)) for one in CONTENT_TYPES]

    assert bodies == [value] * len(CONTENT_TYPES)


@pytest.mark.parametrize(
    ("document", "said", "value"),
    [
        ({}, "application/jwt", "a.eyJhIjoxfQ.a"),
        ({}, "application/x-www-form-urlencoded", {"a.eyJhIjoxfQ.a": ""}),
        ({"verify": {"scheme": "header", "header": "X-T"}}, "Application/JWT; a=b", "a.eyJhIjoxfQ.a"),
        ({"verify": {"scheme": "basic"}}, " application/jwt ", "a.eyJhIjoxfQ.a"),
        ({"preset": "wix"}, "text/plain", {"a": 1}),
        ({"verify": {"scheme": "wix"}}, "text/plain", {"a": 1}),
        ({"body_type": "text"}, "application/json", "a.eyJhIjoxfQ.a"),
        ({"body_type": "form", "verify": {"scheme": "standard_webhooks"}}, "", {"a.eyJhIjoxfQ.a": ""}),
        (
            {"verify": {"scheme": "hmac", "header": "X-S", "signed": "{header:Content-Type}{body}"}},
            "text/x",
            "a.eyJhIjoxfQ.a",
        ),
    ],
)
def test_a_token_is_read_where_a_preset_asks_for_it(document: dict[str, Any], said: str, value: Any) -> None:
    trigger = msgspec.convert({"kind": "webhook", **document}, TriggerSettings)

    assert body_of(trigger, SenderRequest("POST", URL, {"content-type": said}, b"a.eyJhIjoxfQ.a")) == value


def test_a_document_chooses_among_the_types_of_its_preset() -> None:
    form = msgspec.convert({"kind": "webhook", "preset": "github", "body_type": "form"}, TriggerSettings)
    text = msgspec.convert({"kind": "webhook", "preset": "x", "body_type": "form"}, TriggerSettings)

    assert verification(form).body_types == ("form",)
    with pytest.raises(RelayError, match=r"X \(Twitter\) sends json, and never form"):
        verification(text)
