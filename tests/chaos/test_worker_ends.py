"""Runs that kill their workers, or need too much memory: they stop, and other runs continue."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
import requests

from tests.bench.load import order
from tests.chaos.stream import Sink, flow, publish_documents, rows
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes minutes, all together

ENDS = 3


def send(relay: Relay, path: str, body: bytes) -> None:
    answer = requests.post(f"{relay.url}{path}", body, headers={"Content-Type": "application/json"}, timeout=20)
    assert answer.status_code < 300, answer.text


def workers(relay: Relay) -> list[int]:
    return [pid for name, pid in relay.children().items() if "worker" in name]


def told(relay: Relay, name: str) -> tuple[str, str]:
    """State and reason of the only run of a flow."""
    return rows(
        relay,
        f"SELECT r.state, r.reason FROM relay_run r JOIN relay_flow f ON f.id = r.flow_id WHERE f.name = '{name}'",
    )[0]  # type: ignore[return-value]


def test_a_run_that_ends_its_worker_three_times_is_held(start_relay: Callable[..., Relay], sink: Sink) -> None:
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="1")
    with Sink() as beside:
        deadly, other = publish_documents(
            relay,
            {**flow(f"{sink.url}?ms=60000"), "name": "Deadly"},
            {**flow(beside.url), "name": "Other"},
        )
        send(relay, deadly, order(1))
        for end in range(ENDS):
            wait_until(lambda end=end: sink.delivered() and sink.times[1] > end, what=f"walk {end + 1} has begun")
            for pid in workers(relay):
                os.kill(pid, signal.SIGKILL)
            send(relay, other, order(100 + end))

        wait_until(lambda: told(relay, "Deadly")[0] == "held", what="the run is held")
        wait_until(lambda: beside.delivered() >= {100, 101, 102}, what="the other flow's runs are through")

    assert "Three times in a row" in told(relay, "Deadly")[1]
    assert "held" in relay.command("runs", "--flow", "Deadly")
    assert {run["state"] for run in relay.json("runs", "--json", "--flow", "Other")} == {"succeeded"}
    assert sink.times[1] == ENDS


def test_a_run_that_needs_too_much_memory_fails_and_others_continue(
    start_relay: Callable[..., Relay], sink: Sink
) -> None:
    relay = start_relay(
        RELAY_ALLOWED_NETWORKS="127.0.0.0/8",
        RELAY_WORKER_MEMORY="128",
        RELAY_WORKER_THREADS="4",
        RELAY_MAX_BYTES="50000000",
    )
    greedy, other = publish_documents(
        relay,
        {
            "relay": 1,
            "name": "Greedy",
            "trigger": {"kind": "webhook"},
            "steps": [{"id": "v", "kind": "set", "values": {"v": "{{ event.body.a | length }}"}}],
        },
        {**flow(sink.url), "name": "Other"},
    )

    send(relay, greedy, b'{"a": "' + b"x" * 40_000_000 + b'"}')
    send(relay, other, order(1))

    wait_until(lambda: told(relay, "Greedy")[0] == "failed", what="the run has failed")
    send(relay, other, order(2))
    wait_until(lambda: sink.delivered() >= {1, 2}, what="the other flow's runs are through")
    assert "more memory than a worker may take" in told(relay, "Greedy")[1]
    assert rows(relay, "SELECT max(fence) FROM relay_run")[0][0] <= 4
    assert len(workers(relay)) >= 1
