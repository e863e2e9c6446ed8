"""Stopping: a request that is half here is still taken in whole, and its run waits for the next start."""

from __future__ import annotations

import json
import signal
import socket
from urllib.parse import urlsplit

from tests.running import Relay, wait_until

BODY = b'{"id": 1, "total": 99, "currency": "EUR", "line_items": []}'


def refuses(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return True
    return False


def demo(relay: Relay) -> tuple[str, int, bytes]:
    """Host and port of the demo flow's URL, and the head of a request to it."""
    relay.command("user", "add", "ada@example.com", given="correct horse battery\n")
    url = urlsplit(relay.json("flows", "--json")[0]["url"])
    kind = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}"
    return url.hostname or "", url.port or 0, f"POST {url.path} HTTP/1.1\r\nHost: x\r\n{kind}\r\n\r\n".encode()


def test_a_request_in_hand_is_stored_and_answered(relay_up: Relay) -> None:
    assert relay_up.process is not None
    host, port, head = demo(relay_up)
    with socket.create_connection((host, port), timeout=20) as sender, socket.create_connection((host, port)):
        sender.sendall(head + BODY[:10])
        # What another request's answer proves: the server has read what was sent before.
        assert relay_up.command("flows")

        relay_up.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(host, port), what="nothing new is taken")
        sender.sendall(BODY[10:])
        answer = sender.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert relay_up.process.wait(30) == 0
    (run,) = relay_up.json("runs", "--json")
    assert run["event"] == json.loads(answer.partition(b"\r\n\r\n")[2])["event"]
    relay_up.start()
    wait_until(lambda: relay_up.json("runs", "--state", "succeeded", "--json"), what="the run ends")


def test_who_is_connected_is_heard_once_more(relay_up: Relay) -> None:
    assert relay_up.process is not None
    host, port, head = demo(relay_up)
    with socket.create_connection((host, port), timeout=20) as sender:
        assert relay_up.command("flows")

        relay_up.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(host, port), what="nothing new is taken")
        sender.sendall(head + BODY)
        answer = b""
        while more := sender.recv(10_000):
            answer += more

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"connection: close" in answer.lower()
    assert relay_up.process.wait(30) == 0
    assert [run["state"] for run in relay_up.json("runs", "--json")]
