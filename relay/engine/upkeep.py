"""Upkeep: once a second, one process of all rings for what is due and keeps the write-ahead log short."""

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
from relay.engine import alerts, batches, clock, destinations, held, indexing, order, retention, schedules, sql
from relay.models import Lease

log = structlog.get_logger()

EVERY = 1.0  # seconds
OVERDUE = 500_000  # microseconds for which a run has been due when one worker more is woken for it
LEASE = 3.0  # seconds after which another upkeep takes over from one that died


def run(stop: threading.Event) -> None:
    """Do upkeep every second until `stop` is set; of many such processes only one does it at a time."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    steps, ahead = clock.Steps(), clock.Ahead()
    while not stop.wait(EVERY):
        step = steps.back()
        try:
            if Lease.take("upkeep", holder, LEASE):
                if step:
                    clock.bring_forward(step)
                ahead.bring_back()
                once()
        except Error as error:
            log.warning("upkeep.database", reason=str(error).strip())
            sql.disconnect()
    with contextlib.suppress(Error):
        alerts.finish()
        Lease.give_back("upkeep", holder)


def once() -> None:
    """One round."""
    if sql.is_sqlite():
        # Here, so that no commit of ingest has to do it; and first, since nothing else may be possible on a full disk.
        sql.fetch("PRAGMA wal_checkpoint(PASSIVE)")
    parts = (held.release_stragglers, destinations.go_on, order.go_on, _go_on_with_batches, schedules.go_on, _ring)
    for part in (*parts, alerts.go_on, indexing.index_some, retention.go_on):
        _do(part)


def _do(part: Callable[[], object]) -> None:
    """One part of a round; whatever breaks it, the others are done. A database that is away ends the round."""
    try:
        part()
    except Error:
        raise
    except Exception:
        log.exception("upkeep.broke", part=f"{part.__module__}.{part.__name__}")


def _go_on_with_batches() -> None:
    batches.go_on(sql.now())


def _ring() -> None:
    """Ring for what is due; wake one worker more where those that are awake don't get on with it."""
    for age, tell in ((OVERDUE, queues.call), (0, queues.ring)):
        if sql.fetch("SELECT 1 FROM relay_run WHERE due_at <= %s LIMIT 1", (sql.now() - age,)):
            tell()
            return


def release_left_over() -> int:
    """Make runs due that were in the hands of workers which are gone; the number of them.

    For the start of `relay up`, which owns its data folder alone: elsewhere a run's lease has to end first.
    """
    return sql.execute("UPDATE relay_run SET due_at = %s WHERE state = 'running'", (sql.now(),))
