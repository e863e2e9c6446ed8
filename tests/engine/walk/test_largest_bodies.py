"""A body of the largest accepted size can be sent whole, whatever its shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.walking import Recorder, walk, work_item

MOST = 1_048_576
URL = "https://example.com/x"


def filled(start: bytes, piece: bytes, end: bytes, most: int = MOST) -> bytes:
    """A body of as many pieces as there is room for."""
    return start + piece * ((most - len(start) - len(end) - 8) // len(piece)) + end


BODIES = {
    "one text": filled(b'{"a": "', b"x", b'"}'),
    "letters": filled(b'{"a": "', "ü€".encode(), b'"}'),
    "escapes": filled(b'{"a": "', rb"\n\"", b'"}'),
    "numbers": filled(b"[", b"7,", b"7]", 998_000),
    "long numbers": filled(b"[", b"123456789,", b"7]"),
    "decimals": filled(b"[", b"1.25,", b"7]"),
    "far numbers": filled(b"[", b"1e22,", b"7]"),
    "near numbers": filled(b"[", b"1.5e-7,", b"7]"),
    "truths": filled(b"[", b"true,null,", b"7]"),
    "short texts": filled(b"[", b'"ab",', b"7]"),
    "orders": filled(b"[", b'{"sku": "A-1", "n": 2, "price": "9.90", "tags": []},', b"7]"),
    "small objects": filled(b"[", b'{"a": 1, "b": 2},', b"7]"),
    "lists": filled(b"[", b"[1, 2, 3, 4],", b"7]"),
    "names": b"{%s}" % b",".join(b'"name-%06d": %d' % (n, n) for n in range(45_000)),
}
SENT: dict[str, Any] = {
    "json": {"body": {"json": "{{ event.body }}"}},
    "nested json": {"body": {"json": {"all": "{{ event.body }}", "id": "{{ event.id }}"}}},
    "body": {"body": {"text": "{{ event.raw }}", "type": "application/json"}},
    "text": {"body": {"text": "{{ event.body }}", "type": "application/json"}},
    "filter": {"body": {"text": "{{ event.body | tojson }}", "type": "application/json"}},
    "filter in text": {"body": {"text": '{"all": {{ event.body | tojson }}, "n": 1}', "type": "application/json"}},
    "path in text": {"body": {"text": '{"all": {{ event.body }}, "n": 1}', "type": "application/json"}},
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", SENT)
@pytest.mark.parametrize("shape", BODIES)
def test_a_body_of_a_mebibyte_is_sent_on(shape: str, how: str) -> None:
    body, sender = BODIES[shape], Recorder()
    step = {"id": "s", "kind": "action", "action": "http.request", "inputs": {"url": URL, **SENT[how]}}

    outcome = walk(work_item(step, body=body), sender)

    assert outcome.state == "succeeded", outcome.reason
    sent = json.loads(sender.sent[0].body or b"")
    assert (sent["all"] if isinstance(sent, dict) and "all" in sent else sent) == json.loads(body)


@pytest.mark.parametrize("written", ["{{ event.raw }}", "raw: {{ event.raw }}"])
def test_bytes_that_are_not_utf_8_are_sent_on(written: str) -> None:
    sender = Recorder()
    step = {"id": "s", "kind": "action", "action": "http.request", "inputs": {"url": URL, "body": {"text": written}}}

    outcome = walk(work_item(step, body=b"\xff" * MOST), sender)

    assert (outcome.state, outcome.reason) == ("succeeded", "")
    assert (sender.sent[0].body or b"").count("\ufffd".encode()) == MOST


def test_the_limit_of_what_a_step_puts_out_is_named_as_it_is() -> None:
    values = {str(number): "{{ event.raw }}" for number in range(5)}

    outcome = walk(work_item({"id": "s", "kind": "set", "values": values}, body=BODIES["one text"]), Recorder())

    assert outcome.reason == "the step's values would be larger than 4 MiB together (limit: output size)"
