"""Actions that make several calls: no kill -9 repeats a call that must not be repeated, or loses its answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self

import pytest

from tests.chaos.listener import QuietServer
from tests.chaos.stream import rows
from tests.support import shop_catalog
from tests.support.running import Relay, wait_until

ORDER = {
    "id": "order",
    "kind": "action",
    "action": "shop.order",
    "connection": "Shop",
    "timeout": "1s",
    "inputs": {"email": "{{ event.body.id }}@b.example", "item": "tea"},
}
FLOW = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": [ORDER]}
CALLS = ["GET customers", "POST customers", "POST reservations", "PUT orders"]


class Shop:
    """The service, which counts what was done. `kills`: called once, at a call, before or after it does it."""

    def __init__(self, at: str, moment: str) -> None:
        self.kills: Callable[[], None] | None = None
        self.done: dict[str, dict[str, Any]] = {}
        self.bought: Counter[str] = Counter()
        self.customers: dict[str, str] = {}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                _, kind, *rest = self.path.split("/")
                name = f"{self.command} {kind}"
                if name == at and moment == "before" and shop.kill():
                    return
                status, body = shop.does(self.command, kind, rest, json.loads(data) if data else {})
                if name == at and moment == "after" and shop.kill():
                    return
                self.answer(status, body)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

            def answer(self, status: int, found: dict[str, Any]) -> None:
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)

    def does(self, method: str, kind: str, rest: list[str], given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if kind == "done":
            return 200, {"asked": rest[0], "done": self.done.get(rest[0])}
        if method == "GET":
            known = self.customers.get(rest[0])
            return (200, {"id": known}) if known else (404, {})
        self.bought[f"{method} {kind}"] += 1
        made = {"id": f"{kind}-1"}
        if kind == "customers":
            self.customers[given["email"].replace("@", "%40")] = made["id"]
        self.done[given.get("key", "")] = made
        return 201, made

    def kill(self) -> bool:
        kills, self.kills = self.kills, None
        if kills is not None:
            kills()
        return kills is not None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def published(relay: Relay) -> str:
    command = [sys.executable, "-m", "tests.support.shop_catalog.publish"]
    done = subprocess.run(command, env=relay.env, input=json.dumps(FLOW), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.chaos
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", CALLS)
def test_a_worker_that_is_killed_at_a_call_repeats_nothing_that_must_not_be(
    at: str, moment: str, start_relay: Callable[..., Relay]
) -> None:
    with Shop(at, moment) as shop:
        relay = start_relay(
            RELAY_ALLOWED_NETWORKS="127.0.0.0/8",
            RELAY_LEASE="3",
            RELAY_CONNECTOR_URLS=json.dumps({"https://shop.example": shop.url}),
            PYTHONPATH=str(Path(shop_catalog.__path__[0])),
        )
        relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
        relay.command("connection", "set", "Shop", "shop", given='{"token": "feedfacefeedface"}')
        path = published(relay)

        def kill() -> None:
            for name, pid in relay.children().items():
                if "worker" in name:
                    os.kill(pid, signal.SIGKILL)

        shop.kills = kill
        request = urllib.request.Request(
            relay.url + path, b'{"id": 1}', {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
        wait_until(
            lambda: rows(relay, "SELECT id FROM relay_run WHERE state = 'succeeded'"), seconds=60, what="it succeeds"
        )

    assert shop.kills is None, "nothing was killed"
    once = {"POST customers": 1, "POST reservations": 1}
    assert {name: shop.bought[name] for name in once} == once
    assert 1 <= shop.bought["PUT orders"] <= 2
    tried = [step for (step,) in rows(relay, "SELECT DISTINCT step FROM relay_attempt ORDER BY step")]
    assert tried == ["order", "order.create", "order.find", "order.reserve"]
