"""Runs upkeep: once a second, one of all processes wakes workers for due runs and does periodic work."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable

import structlog
from django.db import Error

from relay import queues
from relay.engine.alerts import alerts
from relay.engine.configuration import schedules
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.intake import ordering
from relay.engine.runs import bulk_replay, paused_backlog
from relay.engine.upkeep import clock_skew, object_removal, retention, search_index, subscriptions
from relay.engine.walk import crash_suspects
from relay.models import Lease

log = structlog.get_logger()

EVERY = 1.0  # seconds
OVERDUE = 500_000  # microseconds after which one more worker is woken for a due run
SUBSCRIPTION_SECONDS = 5.0  # for which a process that ends waits for webhooks that are being renewed
OBJECT_SECONDS = 2.0  # for which it waits for objects that are being removed
LEASE = 3.0  # seconds after which another upkeep takes over from one that died


def run(stop: threading.Event) -> None:
    """Do upkeep every second until `stop` is set; of several processes only one does it at a time."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    detector, skewed = clock_skew.StepDetector(), clock_skew.SkewedRuns()
    while not stop.wait(EVERY):
        step = detector.back()
        try:
            if Lease.take("upkeep", holder, LEASE):
                if step:
                    clock_skew.bring_forward(step)
                skewed.bring_back()
                once()
        except Error as error:
            log.warning("upkeep.database", reason=str(error).strip())
            statements.disconnect()
    subscriptions.wait(SUBSCRIPTION_SECONDS)
    object_removal.stop(OBJECT_SECONDS)
    with contextlib.suppress(Error):
        alerts.finish()
        Lease.give_back("upkeep", holder)


def once() -> None:
    """Do one round."""
    parts = (
        paused_backlog.release_stragglers,
        circuit_breaker.tick,
        ordering.tick,
        _replay_batches,
        schedules.tick,
        _wake_workers,
    )
    for part in (*parts, subscriptions.tick, alerts.tick, search_index.index_some, retention.tick, object_removal.tick):
        _do(part)


def _do(part: Callable[[], object]) -> None:
    """Do one part of a round and log its error, so that the other parts run. A database error ends the round."""
    try:
        part()
    except Error:
        raise
    except Exception:
        log.exception("upkeep.broke", part=f"{part.__module__}.{part.__name__}")


def _replay_batches() -> None:
    bulk_replay.tick(statements.now())


def _wake_workers() -> None:
    """Wake workers if runs are due, and one more if the awake workers don't keep up."""
    for age, wake in ((OVERDUE, queues.wake_another_worker), (0, queues.wake_worker)):
        if statements.fetch("SELECT 1 FROM relay_run WHERE due_at <= %s LIMIT 1", (statements.now() - age,)):
            wake()
            return


def release_interrupted() -> int:
    """Make the runs of workers that no longer exist due; return their number.

    For the start of `relay up`, which is the only owner of its data folder. Elsewhere a run's lease has to end first.
    """
    # The claim adds the points for a worker that ended, but here all of Relay has ended.
    difference = crash_suspects.WORKER_ENDED - crash_suspects.ALL_ENDED
    return statements.execute(
        "UPDATE relay_run SET due_at = %s, suspicion = COALESCE(suspicion, 0) - %s WHERE state = 'running'",
        (statements.now(), difference),
    )
