"""Tests that requests are sent in the charset of their type, and headers in UTF-8."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from relay.connectors import masked_request, registry, request_builder
from relay.errors import RequestRefused
from relay.outbound.messages import encode
from relay.outbound.urls import parse
from relay.redaction import request_record
from tests.support.walking import Recorder, walk, work_item

FORM = "application/x-www-form-urlencoded"
CONNECTOR, ACTION = registry.find("http.request")


def request(**inputs: Any):
    return request_builder.build(CONNECTOR, ACTION, {"url": "https://h.example/x", **inputs}, None, key="k")


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"text": "Jörg;1", "type": "text/csv; charset=iso-8859-1"}, b"J\xf6rg;1"),
        ({"text": "Jörg", "type": 'text/csv; charset="ISO-8859-1"; header=present'}, b"J\xf6rg"),
        ({"text": "10 €", "type": "text/plain;charset=windows-1252"}, b"10 \x80"),
        ({"text": "жук", "type": "text/plain; charset=koi8-r"}, "жук".encode("koi8-r")),
        ({"text": "注文", "type": "text/plain; charset=Shift_JIS"}, "注文".encode("shift_jis")),
        ({"text": "é", "type": "text/plain; charset=utf-16le"}, b"\xe9\0"),
        ({"text": "é"}, b"\xc3\xa9"),
        ({"text": "é", "type": "text/csv"}, b"\xc3\xa9"),
        (
            {"form": {"n": "Jörg", "ö": 1}, "type": "application/x-www-form-urlencoded; charset=latin1"},
            b"n=J%F6rg&%F6=1",
        ),
        ({"form": {"n": "Jörg"}}, b"n=J%C3%B6rg"),
        ({"json": {"n": "Jörg €"}, "type": "application/json; charset=iso-8859-1"}, b'{"n": "J\\u00f6rg \\u20ac"}'),
        ({"json": {"n": "ö"}, "type": "application/json; charset=utf-8"}, b'{"n":"\xc3\xb6"}'),
    ],
)
def test_a_body_has_the_charset_that_its_type_says(body: dict[str, Any], sent: bytes) -> None:
    assert request(body=body).body == sent


@pytest.mark.parametrize("kind", ["text", "form"])
def test_a_character_that_the_charset_does_not_have_is_named(kind: str) -> None:
    value = "10 €" if kind == "text" else {"a": "10 €"}

    with pytest.raises(RequestRefused, match=r"“€” \(U\+20AC\) in it, which iso8859-1 doesn't have"):
        request(body={kind: value, "type": "a/b; charset=iso-8859-1"})


@pytest.mark.parametrize("charset", ["nonsense", "idna", "punycode", "base64", "unicode_escape", "rot13"])
def test_a_charset_that_is_none_is_refused(charset: str) -> None:
    with pytest.raises(RequestRefused, match="a charset that Relay doesn't know"):
        request(body={"text": "a", "type": f"text/plain; charset={charset}"})


def test_the_request_is_shown_with_its_letters() -> None:
    inputs = {"url": "https://h.example/x", "body": {"text": "Jörg", "type": "text/csv; charset=iso-8859-1"}}

    shown = masked_request.outline(CONNECTOR, ACTION, inputs, None, key="k")

    assert request_record(request(**inputs), ())["body"] == request_record(shown, ())["body"] == "Jörg"


@pytest.mark.parametrize("value", ["Crème", "日本", "Grüße 😀", "✓", "\xa0x"])
def test_headers_carry_any_letter_as_utf_8(value: str) -> None:
    data = encode(request(headers={"X-Title": f"a{value}"}), parse("https://h.example/x"))

    assert f"\r\nX-Title: a{value}\r\n".encode() in data


def test_a_header_in_encoded_words_is_read_and_written() -> None:
    value = "{{ event.headers['x-title'] | from_rfc2047 }}"
    headers = {"X-Title": value, "X-Words": "{{ 'Neu: ' ~ (event.headers['x-title'] | from_rfc2047) | rfc2047 }}"}
    step = {"id": "s", "kind": "action", "action": "http.request", "inputs": {"url": "https://h.example/"}}
    step["inputs"] |= {"headers": headers}  # type: ignore[operator]
    asked, sender = work_item(step), Recorder()
    event = replace(asked.event, headers='{"x-title": "=?iso-8859-1?q?Gr=FC=DFe?= =?utf-8?b?8J+YgA==?="}')

    outcome = walk(replace(asked, event=event), sender)

    assert (outcome.state, outcome.reason) == ("succeeded", "")
    sent = encode(sender.sent[0], parse("https://h.example/"))
    assert "\r\nX-Title: Grüße😀\r\n".encode() in sent
    assert b"\r\nX-Words: Neu: =?UTF-8?B?R3LDvMOfZfCfmIA=?=\r\n" in sent
