"""The worker with and without a Redis."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from relay import jobs, queues
from relay import valkey as server
from tests.conftest import FOLDER
from tests.running import Valkey, wait_until


@pytest.fixture
def unstopped() -> Iterator[threading.Event]:
    """The request to stop, which no other test may see; nor the handlers of signals."""
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

    assert looks == []  # bells call jobs.work; what is given is for when there are none
    assert queues.waiting() == 0


def test_a_redis_that_forgets_the_bell_meanwhile_is_no_error(
    valkey: Valkey, unstopped: threading.Event, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jobs, "work", lambda: server.command(FOLDER, "FLUSHALL"))
    queues.ring()

    queues.run_worker(lambda: None, burst=True)

    assert queues.waiting() == 0
    assert "Traceback" not in capfd.readouterr().err


def test_of_many_questions_one_waits_for_a_redis_that_hangs(valkey: Valkey) -> None:
    assert queues.occupy("flow:1", 1, "me", 5.0)
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        heard = [queues.occupy("flow:1", 1, "me", 5.0), queues.workers(), queues.ring(), queues.admit("it", 0.1)]
        queues.tell([b"it"])
        took = time.monotonic() - began
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    wait_until(queues.ping, what="it is asked again")

    assert heard == [None, 0, False, 1.0]
    assert took < 2.5


def test_nobody_serves_a_redis_that_is_away(valkey: Valkey) -> None:
    valkey.stop()

    assert queues.workers() == 0
    assert not queues.ping()
    assert not queues.ring()


def test_a_word_is_given_again_after_it_was_forgotten(valkey: Valkey) -> None:
    watch = queues.Watch()
    watch.keep()
    server.command(FOLDER, "FLUSHALL")
    rung = queues.ring()
    server.command(FOLDER, "FLUSHALL")
    watch.end()
    watch.keep()

    assert rung
    assert not queues.ring()


def test_of_two_that_watch_one_is_spare(valkey: Valkey) -> None:
    watches = [queues.Watch(), queues.Watch()]
    watches[0].keep()
    alone = watches[0].is_spare()
    watches[1].keep()
    both = sorted(watch.is_spare() for watch in watches)
    valkey.stop()
    without_redis = [watch.is_spare() for watch in watches]

    assert (alone, both, without_redis) == (False, [False, True], [False, False])


def test_one_bell_is_enough_while_nobody_watches(valkey: Valkey) -> None:
    rung = [queues.ring(), queues.ring()]
    called = queues.call()

    assert (rung, called, queues.waiting()) == ([True, False], False, 1)


def test_a_bell_that_is_closed_rings_for_what_was_struck(valkey: Valkey) -> None:
    watch = queues.Watch()
    watch.keep()
    bell = queues.Bell()
    bell.strike()  # nobody needs to hear it
    watch.end()
    bell.strike()

    bell.close()

    assert queues.waiting() == 1


def test_only_who_serves_says_so_in_the_middle_of_a_job(valkey: Valkey) -> None:
    queues.still_serving()

    assert queues.workers() == 0
