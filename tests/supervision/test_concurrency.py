"""A flow's concurrency limit applies across all workers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.running import Relay, wait_until


class Counting(BaseHTTPRequestHandler):
    """Answers after a moment, and knows how many waited at once at most."""

    lock = threading.Lock()
    now = most = answered = 0

    def do_POST(self) -> None:
        with self.lock:
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
        time.sleep(0.05)  # what a send takes
        with self.lock:
            Counting.now -= 1
            Counting.answered += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def slow() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_flow_sends_as_many_at_once_as_it_says(shared_relay: Relay, slow: ThreadingHTTPServer) -> None:
    action = {"id": "send", "kind": "action", "action": "http.request"}
    action["inputs"] = {"url": f"http://127.0.0.1:{slow.server_port}/", "body": {"json": "{{ event.body }}"}}
    flow = {"relay": 1, "name": "One by one", "trigger": {"kind": "webhook"}, "steps": [action]}
    document = json.dumps({**flow, "settings": {"concurrency": 1}})
    made = shared_relay.json("import", "-", "--publish", given=document)

    post(made["url"], 40)
    wait_until(lambda: Counting.answered == 40, what="all are delivered")

    assert Counting.most == 1


def post(url: str, count: int) -> None:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        for number in range(count):
            assert session.post(url, json={"id": number}, timeout=20).status_code == 202
