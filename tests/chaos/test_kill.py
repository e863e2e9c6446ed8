"""kill -9 in the middle of a burst: what was acknowledged is delivered, and little of it twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.bench.__main__ import flow, free_port, report
from tests.bench.load import Load, burst
from tests.running import Relay, wait_until

COUNT = 3_000
KILL_AFTER = 600  # acknowledged orders
# What two workers may hold at once, each a batch being walked and one more.
MOST_IN_HAND = 2 * (64 + 32 + 64)


class Sink:
    """The benchmark's destination in a process of its own, and all that reached it so far."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(self.port)])
        self.times: dict[int, int] = {}
        wait_until(self._answers, what="the sink answers")

    def _answers(self) -> bool:
        try:
            report(self.port)
        except OSError:
            return False
        return True

    def delivered(self) -> set[int]:
        for number, times in report(self.port).items():
            self.times[number] = self.times.get(number, 0) + len(times)
        return set(self.times)

    @property
    def doubled(self) -> int:
        return sum(times - 1 for times in self.times.values())


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.process.kill()
    sink.process.wait()


def publish(relay: Relay, sink: Sink) -> str:
    """The path of the bench flow's URL."""
    relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
    document = json.dumps(flow(f"http://127.0.0.1:{sink.port}/slack"))
    return str(urlsplit(relay.json("import", "-", "--publish", given=document)["url"]).path)


class Burst:
    """A burst of orders from a thread, which ends early where the connections break."""

    def __init__(self, relay: Relay, path: str) -> None:
        self.load = Load()
        port = urlsplit(relay.url).port or 0
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run(port, path)), daemon=True)
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
    path = publish(relay_up, sink)
    sending = Burst(relay_up, path)

    worker = next(pid for name, pid in relay_up.children().items() if "worker" in name)
    os.kill(worker, signal.SIGKILL)

    acknowledged = sending.acknowledged()
    wait_for_all(sink, acknowledged)
    assert len(acknowledged) == COUNT
    assert sink.doubled <= MOST_IN_HAND / 2


def test_everything_killed_loses_nothing(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink)
    sending = Burst(relay_up, path)

    for pid in [relay_up.pid, *relay_up.children().values()]:
        os.kill(pid, signal.SIGKILL)
    acknowledged = sending.acknowledged()
    relay_up.start()

    wait_for_all(sink, acknowledged)
    assert KILL_AFTER <= len(acknowledged) < COUNT
    assert sink.doubled <= MOST_IN_HAND
    settled = {"running", "queued"}
    wait_until(lambda: not settled & {run["state"] for run in relay_up.json("runs", "--limit", "5000", "--json")})


def test_nothing_waits_for_valkey(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink)
    valkey = next(pid for name, pid in relay_up.children().items() if "valkey" in name)

    sending = Burst(relay_up, path)
    os.kill(valkey, signal.SIGKILL)

    acknowledged = sending.acknowledged()
    wait_for_all(sink, acknowledged)
    assert len(acknowledged) == COUNT
