"""Hostile flows, payloads and addresses in a whole Relay: each gets a clear error, and nothing else stops."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes long

HOSTILE = {
    "multiply": "{{ 'x' * 10**9 }}",
    "range": "{{ range(10**9) | list }}",
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "power": "{{ 2 ** (2 ** 40) }}",
    "escape": "{{ ''.__class__.__mro__ }}",
}
ADDRESSES = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "http://[::1]/", "http://2130706433/"]


def document(name: str, inputs: dict[str, Any], action: str = "inbox.post") -> dict[str, Any]:
    step = {"id": "do", "kind": "action", "action": action, "inputs": inputs}
    return {"relay": 1, "name": name, "trigger": {"kind": "webhook"}, "steps": [step]}


def post(url: str, body: bytes = b'{"id": 1}', content_type: str = "application/json") -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": content_type})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(scope="module")
def relay(prepared: Path) -> Iterator[Relay]:
    """One Relay for all, with no network allowed."""
    running = Relay(RELAY_ALLOWED_NETWORKS="").with_account(prepared)
    try:
        yield running.start()
    finally:
        running.remove()


def publish(relay: Relay, flow: dict[str, Any]) -> tuple[int, str]:
    made = relay.json("import", "-", "--publish", given=json.dumps(flow))
    return made["flow"], made["url"]


def ended(relay: Relay, flow: int) -> dict[str, Any]:
    def final() -> dict[str, Any] | None:
        runs = relay.json("runs", "--flow", str(flow), "--json")
        return next((run for run in runs if run["state"] not in ("queued", "running")), None)

    run: dict[str, Any] = wait_until(final, what="the run ends")
    return run


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_fails_its_own_run(relay: Relay, name: str) -> None:
    flow, url = publish(relay, document(name, {"text": HOSTILE[name]}))

    status = post(url)

    run = ended(relay, flow)
    assert (status, run["state"]) == (202, "failed")
    assert run["reason"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_private_address_is_refused(relay: Relay, address: str) -> None:
    flow, url = publish(relay, document(address, {"url": "{{ event.body.url }}"}, "http.request"))

    post(url, json.dumps({"url": address}).encode())

    run = ended(relay, flow)
    assert run["state"] == "failed"
    assert "URL" in run["reason"] or "address" in run["reason"]


def test_hostile_bodies(relay: Relay) -> None:
    flow, url = publish(relay, document("bodies", {"text": "{{ event.body }}"}))

    too_large = post(url, b"x" * 5_000_000)
    nested = post(url, b"[" * 100_000)

    run = ended(relay, flow)
    assert (too_large, nested) == (413, 202)
    assert run["state"] == "failed"
    assert "deep" in run["reason"] or "JSON" in run["reason"]


def test_after_all_that_it_still_works(relay: Relay) -> None:
    flow, url = publish(relay, document("good", {"text": "order {{ event.body.id }}"}))

    status = post(url)

    assert (status, ended(relay, flow)["state"]) == (202, "succeeded")
