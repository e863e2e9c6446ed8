"""Tests the handshakes of senders."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.connectors import registry
from relay.signatures import Handshaker
from tests.signatures.conftest import URL, base64_of, hex_of, request, shaken


@pytest.mark.parametrize(
    ("name", "query", "secret", "body"),
    [
        ("dropbox_challenge", "challenge=abc-123", None, "abc-123"),
        ("graph_handshake", "validationToken=a%20b%3Cb%3E", None, "a b<b>"),
        ("meta_handshake", "hub.mode=subscribe&hub.challenge=115&hub.verify_token=tok", "tok", "115"),
        (
            "braintree_handshake",
            "bt_challenge=20f9f8ed05f77439fe955c977e4c8a53",
            {"public_key": "integration_public_key", "private_key": "integration_private_key"},
            "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4",
        ),
    ],
)
def test_an_echo_is_plain_text_that_no_browser_takes_for_more(name: str, query: str, secret: Any, body: str) -> None:
    method = "POST" if name == "graph_handshake" else "GET"

    answer = shaken(name, request(b"", method=method, url=f"{URL}?{query}"), [secret] if secret else [])

    assert answer is not None
    assert (answer.status, answer.body.decode(), answer.reason) == (200, body, "")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "query", "secret", "status"),
    [
        ("dropbox_challenge", "challenge=%0d%0aSet-Cookie:%20a=b", None, 401),
        ("dropbox_challenge", "challenge=" + "a" * 2_000, None, 401),
        ("dropbox_challenge", "challenge=a&challenge=b", None, None),
        ("dropbox_challenge", "challenge=", None, None),
        ("braintree_handshake", "bt_challenge=%7B%22id%22%3A1%7D", {"public_key": "a", "private_key": "b"}, 401),
        ("braintree_handshake", "bt_challenge=20f9f8ed05f77439fe955c977e4c8a53", None, 401),
        # Else anyone could have any event signed by asking for it as a challenge.
        ("twitter_crc", "crc_token=%7B%22tweet_create_events%22%3A%5B%5D%7D", "key", 401),
        ("twitter_crc", "crc_token=abc", None, 401),
        ("meta_handshake", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=nope", "tok", 403),
        ("meta_handshake", "hub.mode=subscribe&hub.challenge=1", "tok", 403),
        ("meta_handshake", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=", None, 403),
        ("meta_handshake", "hub.mode=other&hub.challenge=1&hub.verify_token=tok", "tok", None),
    ],
)
def test_what_is_not_answered(name: str, query: str, secret: Any, status: int | None) -> None:
    answer = shaken(name, request(b"", method="GET", url=f"{URL}?{query}"), [secret] if secret else [])

    assert (answer.status if answer else None) == status
    assert answer is None or (answer.body == b"" and answer.reason)


def test_x_is_answered_with_a_signature_of_its_token() -> None:
    answer = shaken("twitter_crc", request(b"", method="GET", url=f"{URL}?crc_token=foo"), ["key"])

    assert answer is not None
    token = json.loads(answer.body)["response_token"]
    assert token == "sha256=" + base64_of(b"key", b"foo")


def test_okta_is_answered_with_what_its_header_says() -> None:
    sent_request = request(b"", {"x-okta-verification-challenge": "abc"}, method="GET")

    answer = shaken("okta_handshake", sent_request)

    assert answer is not None
    assert json.loads(answer.body) == {"verification": "abc"}


def test_trellos_head_is_answered() -> None:
    answer = shaken("trello", request(b"", method="HEAD"))

    assert answer is not None
    assert (answer.status, answer.body) == (200, b"")


SETUPS = [
    pytest.param("asana_handshake", request(b"{}", {"x-hook-secret": "b537207f20cbfa02357cf448134da559"}), id="asana"),
    pytest.param("notion_handshake", request(b'{"verification_token": "secret_tMrlL1qK5vuQ"}'), id="notion"),
]


@pytest.mark.parametrize(("name", "sent_request"), SETUPS)
def test_a_secret_is_taken_once(name: str, sent_request: Any) -> None:
    answer = shaken(name, sent_request)

    assert answer is not None
    assert answer.status == 200
    assert answer.store in ("b537207f20cbfa02357cf448134da559", "secret_tMrlL1qK5vuQ")
    assert answer.headers.get("X-Hook-Secret", answer.store) == answer.store
    assert shaken(name, sent_request, ["stored"]) is None
    assert shaken(name, sent_request, [], has_secret=True) is None, "its time is over, but it was stored"


def test_a_secret_of_an_odd_shape_is_not_taken() -> None:
    answer = shaken("asana_handshake", request(b"{}", {"x-hook-secret": "a\r\nSet-Cookie: b"}))

    assert answer is not None
    assert (answer.status, answer.store, answer.headers) == (401, "", {})


def test_zoom_is_answered_after_it_is_verified() -> None:
    hands = Handshaker(registry.scheme("zoom")[1])
    sent_request = request(b'{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}')

    answer = hands.after(sent_request, ["zm"])

    assert hands.before(sent_request, ["zm"], has_secret=True) is None
    assert answer is not None
    assert json.loads(answer.body) == {
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": hex_of("zm", b"qgg8vlvZRS6UYooatFL8Aw"),
    }


@pytest.mark.parametrize("name", ["slack", "discord", "github", "pagerduty", "hub_sha1", "zoom"])
def test_an_event_is_no_handshake(name: str) -> None:
    sent_request = request(b'{"type": "event_callback", "event": {"type": "message"}}', {"x-github-event": "push"})

    assert Handshaker(registry.scheme(name)[1]).after(sent_request, ["s"]) is None
