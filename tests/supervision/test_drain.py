"""Stopping: a half-received request is still received and stored, and its run waits for the next start."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.running import Relay, wait_until

BODY = b'{"id": 1, "total": 99, "currency": "EUR", "line_items": []}'


def refuses(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return True
    return False


def demo(relay: Relay) -> tuple[str, int, bytes]:
    """Host and port of the demo flow's URL, and the head of a request to it."""
    url = urlsplit(relay.json("flows", "--json")[0]["url"])
    kind = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}"
    return url.hostname or "", url.port or 0, f"POST {url.path} HTTP/1.1\r\nHost: x\r\n{kind}\r\n\r\n".encode()


@pytest.fixture(scope="module")
def kept(prepared: Path) -> Iterator[Relay]:
    running = Relay().with_account(prepared)
    yield running
    running.remove()


@pytest.fixture
def relay(kept: Relay) -> Relay:
    """One that runs, of which a test before may have stored events."""
    if kept.process is None or refuses("127.0.0.1", int(kept.url.rpartition(":")[2])):
        kept.start()
    return kept


def test_a_request_in_hand_is_stored_and_answered(relay: Relay) -> None:
    assert relay.process is not None
    host, port, head = demo(relay)
    with socket.create_connection((host, port), timeout=20) as sender, socket.create_connection((host, port)):
        sender.sendall(head + BODY[:10])
        # What another request's answer proves: the server has read what was sent before.
        assert relay.command("flows")

        relay.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(host, port), what="nothing new is taken")
        sender.sendall(BODY[10:])
        answer = sender.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert relay.process.wait(30) == 0
    event = json.loads(answer.partition(b"\r\n\r\n")[2])["event"]
    assert [run["event"] for run in relay.json("runs", "--json")].count(event) == 1
    relay.start()
    wait_until(lambda: event in succeeded(relay), what="the run ends")


def succeeded(relay: Relay) -> list[str]:
    """The events whose runs succeeded."""
    return [run["event"] for run in relay.json("runs", "--state", "succeeded", "--json")]


@pytest.mark.exhaustive
def test_an_open_connection_can_send_one_more_request(relay: Relay) -> None:
    assert relay.process is not None
    host, port, head = demo(relay)
    with socket.create_connection((host, port), timeout=20) as sender:
        assert relay.command("flows")

        relay.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(host, port), what="nothing new is taken")
        sender.sendall(head + BODY)
        answer = b""
        while more := sender.recv(10_000):
            answer += more

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"connection: close" in answer.lower()
    assert relay.process.wait(30) == 0
    event = json.loads(answer.partition(b"\r\n\r\n")[2])["event"]
    assert event in [run["event"] for run in relay.json("runs", "--json")]
