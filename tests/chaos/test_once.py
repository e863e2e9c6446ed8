"""Actions that must not be done twice: no kill -9 repeats one, unless the service confirms that it is needed."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs

import pytest

from tests.chaos.listener import QuietServer
from tests.chaos.stream import rows
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes minutes, all together

COUNT = 60
ROUNDS = 6
Start = Callable[..., Relay]


def flow(name: str, action: str, inputs: dict[str, str], **keys: Any) -> dict[str, Any]:
    """A flow of one action, with the connection `It`."""
    step = {"id": "do", "kind": "action", "action": action, "connection": "It", "inputs": inputs, **keys}
    return {"relay": 1, "name": name, "trigger": {"kind": "webhook"}, "steps": [step]}


SMS = {"to": "+4915112345678", "from": "+15005550006", "body": "{{ event.body.id }}"}
LABEL = {"shipment_id": "shp_{{ event.body.id }}", "rate_id": "rate_1"}


class Service:
    """A service that answers slowly, and counts what was done by name."""

    origin = key = ""
    connection: ClassVar[dict[str, str]]
    flow: ClassVar[dict[str, Any]]

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(201, service.do(self.path, data))

            def do_GET(self) -> None:
                self.answer(200, service.tell(self.path))

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

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def urls(self) -> str:
        """The setting that has Relay call this instead of the real one."""
        return json.dumps({self.origin: f"http://127.0.0.1:{self._server.server_address[1]}"})

    def do(self, path: str, data: str) -> dict[str, Any]:
        raise NotImplementedError

    def tell(self, path: str) -> dict[str, Any]:
        raise NotImplementedError


class Phone(Service):
    """Sends messages, and can't tell which."""

    origin, key = "https://api.twilio.com", "twilio"
    connection: ClassVar = {"account_sid": "AC" + "0" * 32, "auth_token": "feedfacefeedfacefeedface"}
    flow: ClassVar = flow("Text", "twilio.send_sms", SMS)

    def do(self, path: str, data: str) -> dict[str, Any]:
        self.done[parse_qs(data)["Body"][0]] += 1
        time.sleep(random.uniform(0.01, 0.1))
        return {"sid": "SM1", "status": "queued"}


class Shop(Service):
    """Sells labels and tells which. One sale in five takes longer than anybody waits; half of those come to nothing."""

    origin, key = "https://api.easypost.com", "easypost"
    connection: ClassVar = {"api_key": "EZTK0123456789abcdef"}
    flow: ClassVar = flow("Buy", "easypost.buy_label", LABEL, timeout="2s")

    def do(self, path: str, data: str) -> dict[str, Any]:
        shipment, luck = path.split("/")[-2], random.random()
        if luck < 0.1:
            time.sleep(3)
            return {}
        self.done[shipment] += 1
        time.sleep(3 if luck < 0.2 else random.uniform(0.01, 0.1))
        return self.tell(shipment)

    def tell(self, path: str) -> dict[str, Any]:
        shipment = path.rpartition("/")[2]
        label = {"label_url": f"https://labels.example/{shipment}.png"} if self.done[shipment] else None
        return {"id": shipment, "postage_label": label}


def killed_again_and_again(start_relay: Start, service: Service) -> Relay:
    """A Relay whose workers were killed while it did things by a service; all has been posted."""
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_CONNECTOR_URLS=service.urls, RELAY_LEASE="1")
    relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
    relay.command("connection", "set", "It", service.key, given=json.dumps(service.connection))
    made = relay.json("import", "-", "--publish", given=json.dumps(service.flow))
    sender = threading.Thread(target=post, args=(made["url"],), daemon=True)
    sender.start()
    for _ in range(ROUNDS):
        before = service.done.total()
        wait_until(lambda before=before: service.done.total() > before or not under_way(relay))
        kill_a_worker(relay)
    sender.join(30)
    return relay


def test_no_kill_sends_a_message_twice(start_relay: Start) -> None:
    with Phone() as phone:
        relay = killed_again_and_again(start_relay, phone)

        wait_until(lambda: not under_way(relay), seconds=40, what="every run has ended or is held")

        states = Counter(state for (state,) in rows(relay, "SELECT state FROM relay_run"))
        assert states.total() == COUNT
        assert max(phone.done.values()) == 1
        assert set(states) <= {"succeeded", "held"}
        assert states["succeeded"] <= len(phone.done) <= COUNT


@pytest.mark.chaos
def test_a_shop_that_can_tell_sells_each_label_once_with_nobodys_help(start_relay: Start) -> None:
    with Shop() as shop:
        relay = killed_again_and_again(start_relay, shop)

        undone = "SELECT id FROM relay_run WHERE state <> 'succeeded'"
        wait_until(lambda: not rows(relay, undone), seconds=60, what="every label is bought")

        assert Counter(shop.done.values()) == {1: COUNT}
        asked = rows(relay, "SELECT id FROM relay_attempt WHERE request LIKE '%\"GET\"%'")
        assert asked


def post(url: str) -> None:
    for number in range(COUNT):
        request = urllib.request.Request(url, json.dumps({"id": f"m{number}"}).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
        time.sleep(0.05)


def under_way(relay: Relay) -> list[Any]:
    return rows(relay, "SELECT id FROM relay_run WHERE state IN ('queued', 'running', 'waiting')")


def kill_a_worker(relay: Relay) -> None:
    workers = [pid for name, pid in relay.children().items() if "worker" in name]
    if workers:
        os.kill(random.choice(workers), signal.SIGKILL)
