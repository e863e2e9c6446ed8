"""The clock of all processes but Valkey is set an hour forward and back, while orders stream in."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.listener import Caller, Listener
from tests.chaos.stream import IN_HAND, Sink, Stream, assert_all_is_well, flow, port, publish_documents, rows
from tests.chaos.test_kill_rounds import kill
from tests.support.running import Relay, wait_until

HOUR = 3600.0
SOON = 15.0  # seconds, of which most are for a machine that is busy


def naps(listener: Listener, length: str) -> dict[str, Any]:
    """A flow that waits, and then tells its event's number."""
    inputs = {"url": listener.url(f"/{length}"), "body": {"json": {"n": "{{ event.body.n }}"}}}
    nap = {"id": "nap", "kind": "delay", "for": length}
    tell = {"id": "tell", "kind": "action", "action": "http.request", "inputs": inputs}
    return {"relay": 1, "name": length, "trigger": {"kind": "webhook"}, "steps": [nap, tell]}


class Clock:
    """The clock of a Relay's processes, which it follows."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.set(0.0)

    @property
    def settings(self) -> dict[str, str]:
        return {"RELAY_TEST_CLOCK": str(self.file), "PYTHONPATH": str(Path(__file__).parent / "clock")}

    def set(self, offset: float) -> None:
        """Set the clock off by a number of seconds."""
        new = self.file.with_suffix(".new")
        new.write_text(str(offset))
        new.replace(self.file)


@pytest.mark.chaos
def test_steps_of_the_clock_lose_nothing_and_put_nothing_off(
    start_relay: Callable[..., Relay], sink: Sink, tmp_path: Path
) -> None:
    clock = Clock(tmp_path)
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="3", **clock.settings)
    with Listener() as listener:
        path, long_nap, short_nap = publish_documents(
            relay, flow(sink.url), naps(listener, "45m"), naps(listener, "5s")
        )
        long = Caller(port(relay), long_nap, iter([{"n": 1}]))
        wait_until(lambda: long.acknowledged and _waiting(relay) == 1, what="a run waits for 45 minutes")

        with Stream(port(relay), path) as stream:
            clock.set(HOUR)
            wait_until(lambda: listener.first_of_each("/45m"), seconds=SOON, what="its time has come")
            stream.wait_for(100)
            short = Caller(port(relay), short_nap, iter([{"n": 2}]))
            wait_until(lambda: short.acknowledged and _waiting(relay) == 1, what="a run waits for 5 seconds")
            _wait_for_upkeep(relay)  # what it slept through it can't notice
            clock.set(0.0)
            wait_until(lambda: listener.first_of_each("/5s"), seconds=5 + SOON, what="it waits no hour more")
            for who in ("upkeep", "worker"):
                kill(relay, who)
            stream.wait_for(100)

        assert_all_is_well(relay, sink, stream.books, twice=4 * IN_HAND)
        assert not stream.books.cut
        assert not stream.books.refused


@pytest.mark.chaos
def test_steps_that_no_upkeep_sees_put_nothing_off(
    start_relay: Callable[..., Relay], sink: Sink, tmp_path: Path
) -> None:
    clock = Clock(tmp_path)
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="3", **clock.settings)
    with Listener() as listener:
        path, nap = publish_documents(relay, flow(sink.url), naps(listener, "5s"))
        upkeep = next(pid for name, pid in relay.children().items() if "upkeep" in name)

        with Stream(port(relay), path) as stream:
            os.kill(upkeep, signal.SIGSTOP)
            clock.set(HOUR)
            wait_until(lambda: _newest(relay) > (time.time() + HOUR / 2) * 1e6, what="events come an hour ahead")
            short = Caller(port(relay), nap, iter([{"n": 1}]))
            wait_until(lambda: short.acknowledged and _waiting(relay) == 1, what="a run waits for 5 seconds")
            for pid in _workers(relay):
                os.kill(pid, signal.SIGSTOP)  # what comes now is not delivered before the clock goes back
            stream.wait_for(50)
            for pid in _workers(relay):
                os.kill(pid, signal.SIGKILL)
            clock.set(0.0)
            os.kill(upkeep, signal.SIGKILL)
            wait_until(lambda: listener.first_of_each("/5s"), seconds=5 + SOON, what="it waits no hour")
            stream.wait_for(100)

        assert_all_is_well(relay, sink, stream.books, twice=2 * IN_HAND)
        assert not stream.books.cut
        assert not stream.books.refused


def _workers(relay: Relay) -> list[int]:
    return [pid for name, pid in relay.children().items() if "worker" in name]


def _newest(relay: Relay) -> int:
    return int(rows(relay, "SELECT max(received_at) FROM relay_event")[0][0])


def _wait_for_upkeep(relay: Relay) -> None:
    """Wait until it has begun a round at the time that is an hour ahead: its lease was renewed twice there."""

    def until() -> int:
        return int(rows(relay, "SELECT until FROM relay_lease WHERE name = 'upkeep'")[0][0])

    wait_until(lambda: until() > (time.time() + HOUR / 2) * 1e6, what="upkeep is an hour ahead")
    first = until()
    wait_until(lambda: until() > first, what="upkeep has made a round more")


def _waiting(relay: Relay) -> int:
    return int(rows(relay, "SELECT count(*) FROM relay_run WHERE state = 'waiting'")[0][0])
