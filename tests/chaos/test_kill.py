"""kill -9 during a burst: every acknowledged event is delivered, and few are delivered twice."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from tests.bench.load import Load, burst
from tests.chaos.stream import IN_HAND, Sink, port, publish
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes minutes, all together

COUNT = 3_000
KILL_AFTER = 600  # acknowledged orders


class Burst:
    """A burst of orders from a thread, which ends early where the connections break."""

    def __init__(self, relay: Relay, path: str) -> None:
        self.load = Load()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run(port(relay), path)), daemon=True)
        self.thread.start()
        wait_until(lambda: len(self.load.acknowledged) >= KILL_AFTER, what="the burst is under way")

    async def _run(self, port: int, path: str) -> None:
        await burst(port, path, first=1, count=COUNT, load=self.load)

    def acknowledged(self) -> set[int]:
        self.thread.join(30)
        return set(self.load.acknowledged)


def wait_for_all(sink: Sink, acknowledged: set[int]) -> None:
    wait_until(lambda: acknowledged <= sink.delivered(), seconds=45, what="all that was acknowledged is delivered")


def test_a_killed_worker_loses_nothing(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)
    sending = Burst(relay_up, path)

    worker = next(pid for name, pid in relay_up.children().items() if "worker" in name)
    os.kill(worker, signal.SIGKILL)

    acknowledged = sending.acknowledged()
    wait_for_all(sink, acknowledged)
    assert len(acknowledged) == COUNT
    assert sink.doubled <= IN_HAND


def test_everything_killed_loses_nothing(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)
    sending = Burst(relay_up, path)

    for pid in [relay_up.pid, *relay_up.children().values()]:
        os.kill(pid, signal.SIGKILL)
    acknowledged = sending.acknowledged()
    relay_up.start()

    wait_for_all(sink, acknowledged)
    assert KILL_AFTER <= len(acknowledged) < COUNT
    assert sink.doubled <= 2 * IN_HAND
    settled = {"running", "queued"}
    wait_until(lambda: not settled & {run["state"] for run in relay_up.json("runs", "--limit", "5000", "--json")})


def test_nothing_waits_for_valkey(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)
    valkey = next(pid for name, pid in relay_up.children().items() if "valkey" in name)

    sending = Burst(relay_up, path)
    os.kill(valkey, signal.SIGKILL)

    acknowledged = sending.acknowledged()
    wait_for_all(sink, acknowledged)
    assert len(acknowledged) == COUNT
