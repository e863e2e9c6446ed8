"""A thousand callers wait at a real server and get their responses, also when it stops."""

from __future__ import annotations

import json
import selectors
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes long

CALLERS = 1_000
STEPS = [
    {"id": "later", "kind": "delay", "for": "5s"},
    {"id": "answer", "kind": "respond", "status": 201, "body": "hello {{ event.body.n }}"},
]
DOCUMENT = {
    "relay": 1,
    "name": "Answers",
    "trigger": {"kind": "webhook", "response": {"wait": "90s"}},
    "settings": {"concurrency": 1000},
    "steps": STEPS,
}


def call(url: str, number: int) -> socket.socket:
    """A request sent, its answer not yet awaited."""
    at = urlsplit(url)
    body = json.dumps({"n": number}).encode()
    one = socket.create_connection((at.hostname or "", at.port or 0), timeout=60)
    head = f"POST {at.path} HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    one.sendall(head.encode() + body)
    return one


def answers(calls: list[socket.socket], seconds: float) -> list[bytes]:
    """What each was answered, in their order; those without an answer in time are empty."""
    found = dict.fromkeys(calls, b"")
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for one in calls:
            selector.register(one, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(timeout=1):
                assert isinstance(key.fileobj, socket.socket)
                found[key.fileobj] += key.fileobj.recv(65_536)
                selector.unregister(key.fileobj)
    return list(found.values())


def live(relay: Relay, document: dict[str, Any]) -> str:
    """The URL of a flow that is published."""
    return str(relay.json("import", "-", "--publish", given=json.dumps(document))["url"])


def test_a_thousand_callers_wait_at_once(shared_relay: Relay) -> None:
    url = live(shared_relay, DOCUMENT)
    calls = [call(url, number) for number in range(CALLERS)]

    answered = answers(calls, seconds=80)

    for one in calls:
        one.close()
    assert [text.split(b"\r\n")[0] for text in answered] == [b"HTTP/1.1 201 Created"] * CALLERS
    assert [text.rpartition(b"\r\n")[2] for text in answered] == [b"hello %d" % number for number in range(CALLERS)]


def test_waiting_callers_are_answered_when_relay_stops(relay_up: Relay) -> None:
    url = live(relay_up, {**DOCUMENT, "steps": [{**STEPS[0], "for": "10m"}, STEPS[1]]})
    calls = [call(url, number) for number in range(20)]
    wait_until(lambda: len(relay_up.json("runs", "--json", "--limit", "50")) == 20, what="all have arrived")

    relay_up.stop()

    answered = answers(calls, seconds=5)
    for one in calls:
        one.close()
    assert [text.split(b"\r\n")[0] for text in answered] == [b"HTTP/1.1 202 Accepted"] * 20
