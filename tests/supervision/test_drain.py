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


def test_a_request_in_hand_is_stored_and_answered(relay_up: Relay) -> None:
    assert relay_up.process is not None
    relay_up.command("user", "add", "ada@example.com", given="correct horse battery\n")
    url = urlsplit(relay_up.json("flows", "--json")[0]["url"])
    host, port = url.hostname or "", url.port or 0
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    with socket.create_connection((host, port), timeout=20) as sender, socket.create_connection((host, port)):
        sender.sendall(head.encode() + BODY[:10])
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
