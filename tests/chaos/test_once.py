"""Actions that must not be done twice: no kill -9 makes one happen again."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.running import Relay, wait_until

COUNT = 60
ROUNDS = 6
SMS = {
    "relay": 1,
    "name": "Text it",
    "trigger": {"kind": "webhook"},
    "steps": [
        {
            "id": "sms",
            "kind": "action",
            "action": "twilio.send_sms",
            "connection": "Phone",
            "inputs": {"to": "+4915112345678", "from": "+15005550006", "body": "{{ event.body.id }}"},
        }
    ],
}
PHONE = {"account_sid": "AC" + "0" * 32, "auth_token": "feedfacefeedfacefeedface"}


class Phone:
    """A service that takes a while for every message, and counts them."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        phone = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                phone.messages[form["Body"][0]] += 1
                time.sleep(random.uniform(0.01, 0.1))
                body = b'{"sid": "SM1", "status": "queued"}'
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def phone() -> Any:
    phone = Phone()
    yield phone
    phone.server.shutdown()
    phone.server.server_close()


def test_no_kill_sends_a_message_twice(start_relay: Any, phone: Phone) -> None:
    relay: Relay = start_relay(
        RELAY_ALLOWED_NETWORKS="127.0.0.0/8",
        RELAY_CONNECTOR_URLS=json.dumps({"https://api.twilio.com": phone.origin}),
        RELAY_LEASE="1",
    )
    relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
    relay.command("connection", "set", "Phone", "twilio", given=json.dumps(PHONE))
    made = relay.json("import", "-", "--publish", given=json.dumps(SMS))
    sender = threading.Thread(target=post, args=(made["url"],), daemon=True)
    sender.start()

    for _ in range(ROUNDS):
        before = sum(phone.messages.values())
        wait_until(lambda before=before: sum(phone.messages.values()) > before or not open_runs(relay, made["flow"]))
        kill_a_worker(relay)
    sender.join(30)

    wait_until(lambda: not open_runs(relay, made["flow"]), seconds=40, what="every run has ended or is held")
    runs = relay.json("runs", "--flow", str(made["flow"]), "--limit", "1000", "--json")
    states = Counter(run["state"] for run in runs)
    assert len(runs) == COUNT
    assert max(phone.messages.values()) == 1
    assert set(states) <= {"succeeded", "held"}
    assert states["succeeded"] <= len(phone.messages) <= COUNT


def post(url: str) -> None:
    for number in range(COUNT):
        request = urllib.request.Request(url, json.dumps({"id": f"m{number}"}).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
        time.sleep(0.05)


def open_runs(relay: Relay, flow: int) -> list[str]:
    runs = relay.json("runs", "--flow", str(flow), "--limit", "1000", "--json")
    return [run["state"] for run in runs if run["state"] in ("queued", "running", "waiting")]


def kill_a_worker(relay: Relay) -> None:
    workers = [pid for name, pid in relay.children().items() if "worker" in name]
    if workers:
        os.kill(random.choice(workers), signal.SIGKILL)
