"""Tests the worker with and without Redis."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from relay import queues
from relay import valkey as server
from tests.conftest import FOLDER
from tests.support.running import Valkey, wait_until


@pytest.fixture
def unstopped() -> Iterator[threading.Event]:
    """Restore the request to stop, and the signal handlers, after a test."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    queues.stopping.clear()
    yield queues.stopping
    queues.stopping.clear()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_without_redis_it_looks_for_work_by_itself(valkey: Valkey, unstopped: threading.Event) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            unstopped.set()

    valkey.stop()
    queues.run_worker(look)

    assert len(looks) == 3


def test_a_burst_ends_when_no_bell_waits(valkey: Valkey, unstopped: threading.Event) -> None:
    looks: list[int] = []

    queues.run_worker(lambda: looks.append(1), burst=True)
    without_redis = len(looks)
    queues.wake_worker()
    queues.run_worker(lambda: looks.append(1), burst=True)

    assert (without_redis, len(looks), queues.pending_wakeups()) == (0, 1, 0)


def test_a_redis_that_forgets_the_bell_meanwhile_is_no_error(
    valkey: Valkey, unstopped: threading.Event, capfd: pytest.CaptureFixture[str]
) -> None:
    queues.wake_worker()

    queues.run_worker(lambda: server.command(FOLDER, "FLUSHALL"), burst=True)

    assert queues.pending_wakeups() == 0
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.exhaustive
def test_of_many_questions_one_waits_for_a_redis_that_hangs(valkey: Valkey) -> None:
    assert queues.acquire_slot("flow:1", 1, "me", 5.0)
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        heard = [
            queues.acquire_slot("flow:1", 1, "me", 5.0),
            queues.worker_count(),
            queues.wake_worker(),
            queues.throttle("it", 0.1),
        ]
        queues.publish([b"it"])
        took = time.monotonic() - began
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    wait_until(queues.ping, what="it is asked again")

    assert heard == [None, 0, False, 1.0]
    assert took < 2.5


def test_nobody_serves_a_redis_that_is_away(valkey: Valkey) -> None:
    valkey.stop()

    assert queues.worker_count() == 0
    assert not queues.ping()
    assert not queues.wake_worker()


def test_a_word_is_given_again_after_it_was_forgotten(valkey: Valkey) -> None:
    watch = queues.WorkerHeartbeat()
    watch.renew()
    server.command(FOLDER, "FLUSHALL")
    rung = queues.wake_worker()
    server.command(FOLDER, "FLUSHALL")
    watch.end()
    watch.renew()

    assert rung
    assert not queues.wake_worker()


def test_of_two_that_watch_one_is_spare(valkey: Valkey) -> None:
    watches = [queues.WorkerHeartbeat(), queues.WorkerHeartbeat()]
    watches[0].renew()
    alone = watches[0].is_spare()
    watches[1].renew()
    both = sorted(watch.is_spare() for watch in watches)
    valkey.stop()
    without_redis = [watch.is_spare() for watch in watches]

    assert (alone, both, without_redis) == (False, [False, True], [False, False])


def test_one_bell_is_enough_while_nobody_watches(valkey: Valkey) -> None:
    rung = [queues.wake_worker(), queues.wake_worker()]
    called = queues.wake_another_worker()

    assert (rung, called, queues.pending_wakeups()) == ([True, False], False, 1)


def test_a_bell_that_is_closed_rings_for_what_was_struck(valkey: Valkey) -> None:
    watch = queues.WorkerHeartbeat()
    watch.renew()
    wakeup = queues.Wakeup()
    wakeup.request()  # not needed, since a worker is polling
    watch.end()
    wakeup.request()

    wakeup.close()

    assert queues.pending_wakeups() == 1


def test_only_who_serves_says_so_in_the_middle_of_a_job(valkey: Valkey) -> None:
    queues.renew_presence()

    assert queues.worker_count() == 0
