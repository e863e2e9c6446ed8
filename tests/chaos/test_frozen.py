"""A worker that freezes during its work, outlives its lease, and continues."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.stream import Sink, Stream, assert_all_is_well, port, publish, rows
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes minutes, all together


def test_frozen_worker_changes_nothing_when_it_wakes(start_relay: Callable[..., Relay], sink: Sink) -> None:
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="1")
    path = publish(relay, f"{sink.url}?ms=400")
    busy, idle = (pid for name, pid in relay.children().items() if "worker" in name)

    os.kill(idle, signal.SIGSTOP)  # so that all that runs is in the other one's hands
    with Stream(port(relay), path, rate=60) as stream:
        wait_until(lambda: _running(relay), what="runs are in hand")
        os.kill(busy, signal.SIGSTOP)
        frozen = _running(relay)
        os.kill(idle, signal.SIGCONT)
    try:
        wait_until(lambda: frozen <= _finished(relay).keys(), what="the other worker has taken them over")
        before = _finished(relay)
    finally:
        os.kill(busy, signal.SIGCONT)

    wait_until(lambda: "settle.late" in relay.log, what="it wakes and settles too late")
    assert_all_is_well(relay, sink, stream.books, twice=len(frozen))
    assert {run: _finished(relay)[run] for run in before} == before
    assert rows(relay, "SELECT run_id FROM relay_attempt GROUP BY run_id HAVING count(*) > 1") == []


def _running(relay: Relay) -> set[int]:
    return {run for (run,) in rows(relay, "SELECT id FROM relay_run WHERE state = 'running'")}


def _finished(relay: Relay) -> dict[int, tuple[Any, ...]]:
    """Settled runs by id: fence, state, and when."""
    found = rows(relay, "SELECT id, fence, state, finished_at FROM relay_run WHERE finished_at IS NOT NULL")
    return {run: tuple(rest) for run, *rest in found}
