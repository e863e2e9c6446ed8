"""Hostile requests over real sockets against a whole Relay: the server in front, ingest, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import Relay, wait_until
from tests.test_hostile import post


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """One Relay for all, which may call itself."""
    running = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_BODY_TIMEOUT="1", RELAY_REFUSED_RATE="")
    try:
        running.start()
        running.command("user", "add", "ann@example.com", given="correct horse battery\n")
        yield running
    finally:
        running.remove()


def publish(relay: Relay, step: dict[str, Any], **trigger: Any) -> tuple[int, str]:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [{"id": "do", **step}]}
    made = relay.json("import", "-", "--publish", given=json.dumps(document))
    return made["flow"], made["url"]


def test_flows_that_call_each_other_for_ever_end(relay: Relay) -> None:
    inputs = {"url": "{{ event.body.url }}", "body": {"json": "{{ event.body }}"}}
    flow, url = publish(relay, {"kind": "action", "action": "http.request", "inputs": inputs})

    post(url, json.dumps({"url": url}).encode())

    def ended() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = relay.json("runs", "--flow", str(flow), "--json")
        return runs if any(run["state"] == "failed" for run in runs) else []

    runs = wait_until(ended, what="the circle ends")
    assert len(runs) == 11
    assert sorted(run["state"] for run in runs) == ["failed"] + ["succeeded"] * 10
    assert "400" in next(run["reason"] for run in runs if run["state"] == "failed")
