"""Tests that no answer of a handshake signs anything that could be an event, for any preset."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from relay.connectors import registry
from relay.connectors.definition import Preset
from relay.engine.intake.request_verification import ACCEPTED, Decision, RequestVerifier, StoredSecret
from relay.errors import RelayError
from relay.flows.document import TriggerSettings
from relay.flows.verification import verification
from relay.signatures import Handshake, Respond, Scheme, SenderRequest, When
from tests.signatures.conftest import NOW, URL
from tests.support.genuine_requests import STAMPS, secret_of, signature_text
from tests.support.verifying import CONTENT_TYPES, guard_of, typed

PRESETS = [preset for _, preset in registry.presets().values()]


def challenges(shape: str) -> Iterator[str]:
    """Texts of a shape that some content type reads as an event, and others by chance."""
    claims = base64.urlsafe_b64encode(b'{"for_user_id":"42","dm":"pay"}').decode().rstrip("=")
    texts = [f"a.{claims}.a", f"{claims}.{claims}.{claims}", "for_user_id=42", "a=b", "a=", "1", "true", "null", "-1.5"]
    texts += ['{"a":1}', "[]", '"a"', "<a/>", "a: b", "--b", claims, base64.b64encode(b"<notification/>").decode()]
    texts += ["deadbeef" * 3, "0" * 20, "f" * 32, "a" * 20, f"{NOW}", f"v0:{NOW}:{{}}", f"{NOW}.a=b", f"{NOW}:a=b"]
    chance = random.Random(11)
    letters = [chr(code) for code in range(33, 127)]
    for alphabet in (letters, [one for one in letters if re.fullmatch(shape, one * 20) or re.fullmatch(shape, one)]):
        texts += ["".join(chance.choices(alphabet, k=length)) for length in (1, 20, 28, 32, 64, 256) if alphabet]
    yield from (text for text in texts if re.fullmatch(shape, text))


def signed_sources(handshake: Handshake) -> list[str]:
    answer = msgspec.json.encode(handshake.respond).decode()
    return re.findall(r"\{hmac/[^/{}]+/[^/{}]+/([^{}]+)\}", answer)


SIGNERS = [(preset, one) for preset in PRESETS for one in preset.handshakes if signed_sources(one)]
OWN = {"scheme": "hmac", "header": "X-Sig"}
# A trigger may verify by a scheme of its own beside its preset's handshakes.
TRIGGERS = [
    *({"preset": preset.key} for preset, _ in SIGNERS),
    *({"preset": preset.key, "verify": OWN} for preset, _ in SIGNERS),
    *({"preset": preset.key, "verify": {**OWN, "signed": "{timestamp}.{body}", "timestamp": "X-At"}}
      for preset, _ in SIGNERS),
]  # fmt: skip


def asked(handshake: Handshake, source: str, challenge: str) -> SenderRequest:
    """The request of a handshake with a challenge of ours."""
    place, _, name = source.partition(":")
    method = handshake.when.method or "POST"
    assert place == "query", "this test asks for no challenge of another kind yet"
    return SenderRequest(method, f"{URL}?{name}={quoted(challenge)}", {}, b"")


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def forged(trigger: TriggerSettings, secret: Any, message: bytes, signature: bytes) -> Iterator[SenderRequest]:
    """Requests of which `message` is what is signed, with a signature that was got for it."""
    how = verification(trigger).how
    assert isinstance(how, Scheme)
    text = signature_text(how, signature, secret)
    if how.signed == "{form:bt_payload}":
        fields = f"bt_signature={quoted(text)}&bt_payload=".encode()
        yield SenderRequest("POST", URL, {}, fields + quoted(message.decode()).encode())
        return
    for at in {STAMPS["s"], message[:10].decode("latin-1")}:
        start, _, _ = how.signed.replace("{timestamp}", at).partition("{body}")
        if message.startswith(start.encode()):
            headers = {how.signature.sources[0][7:].lower(): text}
            if how.timestamp:
                headers[how.timestamp.source[7:].lower()] = at
            yield SenderRequest("POST", URL, headers, message.removeprefix(start.encode()))


def signatures_in(answer: bytes, scheme: Scheme) -> Iterator[bytes]:
    """What an answer shows that is as long as a signature."""
    size = {"sha1": 20, "sha256": 32, "sha512": 64}[scheme.algorithm]
    for text in re.findall(rb"[A-Za-z0-9+/_=-]{20,}", answer):
        for value in (text, text.partition(b"=")[2]):
            if re.fullmatch(rb"[0-9a-f]{%d}" % (2 * size), value):
                yield bytes.fromhex(value.decode())
            elif len(value) % 4 == 0 and len(found := base64.b64decode(value, b"-_")) == size:
                yield found


def answers(guard: RequestVerifier, handshake: Handshake, scheme: Scheme) -> Iterator[tuple[bytes, bytes]]:
    """Challenges that a handshake answers without a signature, and the signatures that it shows for them."""
    for source in signed_sources(handshake):
        for challenge in challenges(handshake.shapes[source]):
            answer = guard.verify(asked(handshake, source, challenge), NOW).answer
            assert answer is not None
            assert answer.status == 200
            found = list(signatures_in(answer.body, scheme))
            assert found, "this test must find the signature in the answer"
            yield from ((challenge.encode(), signature) for signature in found)


@pytest.mark.parametrize("document", TRIGGERS, ids=lambda one: "-".join(map(str, one.values()))[:60])
def test_no_answer_of_a_handshake_signs_an_event(document: dict[str, Any]) -> None:
    trigger = msgspec.convert({"kind": "webhook", **document}, TriggerSettings)
    preset, how = registry.preset(document["preset"]), verification(trigger).how
    assert isinstance(preset.verify, Scheme)
    assert isinstance(how, Scheme)
    secret = secret_of(preset)
    secret["secret"] = secret[preset.verify.key.part]
    guard = guard_of(trigger, secret)
    unsigned = [one for one in preset.handshakes if one.auth != "signed"]

    got = [pair for one in unsigned for pair in answers(guard, one, preset.verify)]
    events = [request for message, signature in got for request in forged(trigger, secret, message, signature)]
    judged = [guard.verify(typed(one, content_type), NOW) for one in events for content_type in CONTENT_TYPES]

    assert bool(got) == bool(unsigned)
    # A scheme of its own may sign more than a challenge can hold.
    assert bool(events) == bool(unsigned) or "verify" in document
    assert [one for one in judged if not one.reason] == []


ASKED = When(method="GET", present=("query:c",))
SIGNED_ANSWER = Respond(body="{hmac/sha256/hex/query:c}")


@pytest.mark.parametrize(
    ("key", "handshake", "reason"),
    [
        ("github", Handshake(key="h", when=ASKED, respond=SIGNED_ANSWER), "whose shape it does not say"),
        ("github", Handshake(key="h", when=ASKED, respond=Respond(body="{key:secret}")), "must not show the key"),
        ("chargebee", Handshake(key="h", when=ASKED, respond=Respond(json={"a": "{key:password}"})), "must not show"),
        ("netlify", Handshake(key="h", when=ASKED, respond=Respond(headers={"A": "{key:secret}"})), "must not show"),
        (
            "netlify",
            Handshake(key="h", when=ASKED, respond=SIGNED_ANSWER, shapes={"query:c": "[a-z]{1,9}"}),
            "needs a scheme that is data",
        ),
    ],
)
def test_a_handshake_that_could_sign_events_is_no_part_of_a_preset(key: str, handshake: Handshake, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(registry.preset(key), handshakes=(handshake,))


def test_a_preset_with_such_a_handshake_verifies_by_no_code() -> None:
    trigger = msgspec.convert({"kind": "webhook", "preset": "x", "verify": {"scheme": "netlify"}}, TriggerSettings)

    with pytest.raises(RelayError, match="needs a scheme that is data"):
        verification(trigger)


@pytest.mark.parametrize("key", ["hubspot_v1", "hubspot_v2"])
def test_a_hash_that_is_extended_is_no_signature(key: str) -> None:
    """A hash of secret and body can be extended to that of a longer body without the secret."""
    preset = registry.preset(key)
    secret = "s3cret-of-the-test"
    start = secret if key == "hubspot_v1" else f"{secret}POST{URL}"
    length = len(start) + len(LIST_BODY)
    padding = b"\x80" + b"\0" * ((55 - length) % 64) + (8 * length).to_bytes(8, "big")
    body = LIST_BODY + padding + b'[{"eventId": 2}]'
    guard = guard_of(TriggerSettings(kind="webhook", preset=key), secret)
    assert isinstance(preset.verify, Scheme)

    def judged(body: bytes) -> Decision:
        signature = hashlib.sha256(start.encode() + body).hexdigest()
        headers = {"x-hubspot-signature": signature, "x-hubspot-signature-version": key[-2:]}
        return guard.verify(SenderRequest("POST", URL, headers, body), NOW)

    assert judged(LIST_BODY) == ACCEPTED
    assert "is not the JSON" in judged(body).reason


LIST_BODY = b'[{"eventId": 1}]'


def test_handshakes_and_events_ask_one_function_for_a_shape() -> None:
    """A shape with letters beyond ASCII would be one text to the handshake and other bytes to the verifier."""
    shape = r"\w{1,4}"
    handshake = Handshake(key="h", when=ASKED, respond=SIGNED_ANSWER, shapes={"query:c": shape})
    preset = replace(registry.preset("github"), handshakes=(handshake,))
    guard = RequestVerifier(replace_of(preset), None, [StoredSecret("s3cret", None)], "")

    assert guard.verify(SenderRequest("GET", f"{URL}?c=%c3%a9", {}, b""), NOW).reason
    assert guard.verify(SenderRequest("GET", f"{URL}?c=abc", {}, b""), NOW).answer is not None


def replace_of(preset: Preset) -> Any:
    return replace(verification(TriggerSettings(kind="webhook", preset="github")), handshakes=preset.handshakes)
