"""Renews the leases of claimed runs in a thread, and stops the walks of runs that the worker has lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from relay.engine.database import statements
from relay.engine.database.write_lock import hold_write_lock
from relay.engine.walk.work_item import WorkItem
from relay.engine.worker.thread_pool import WalkThreads

log = structlog.get_logger()

# Seconds between two looks. Only runs that were also held at the look before are queried: most runs end sooner.
LOOK_SECONDS = 0.25


class LeaseRenewer:
    """`with LeaseRenewer(walkers):` renews leases even while the thread that claims and settles is blocked.

    It has its own database connection, opened for the first run that takes longer than one look.
    """

    def __init__(self, walkers: WalkThreads) -> None:
        self._walkers = walkers
        self._every = min(LOOK_SECONDS, settings.LEASE / 8)
        self._renewed_at = time.monotonic()
        self._seen: set[tuple[int, int]] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-renewer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.wait(self._every):
                self._look_once()
        finally:
            statements.disconnect()

    def _look_once(self) -> None:
        try:
            self.look()
        except (OperationalError, InterfaceError) as error:
            log.warning("lease_renewal.database", reason=str(error).strip())
            statements.disconnect()
        except Exception:
            # The thread must keep renewing leases for as long as the process lives.
            log.exception("lease_renewal.failed")

    def look(self) -> None:
        """Renew all leases when it is time, else check that the long runs are still ours."""
        held = self._walkers.in_hand
        long = [work_item for work_item in held if (work_item.run_id, work_item.fence) in self._seen]
        self._seen = {(work_item.run_id, work_item.fence) for work_item in held}
        if long and time.monotonic() - self._renewed_at > settings.LEASE / 4:
            self._renewed_at = time.monotonic()
            _stop_all_but(renew(held), held)
        elif long:
            _stop_all_but(_ours(long), long)


def _stop_all_but(ours: set[tuple[int, int]], work_items: Sequence[WorkItem]) -> None:
    for work_item in work_items:
        if (work_item.run_id, work_item.fence) not in ours:
            work_item.stop.is_set = True


def renew(work_items: Sequence[WorkItem]) -> set[tuple[int, int]]:
    """Extend the leases of the runs that are still ours; returns them as (id, fence)."""
    statement = (
        "UPDATE relay_run SET due_at = %s WHERE state = 'running'"
        f" AND (id, fence) IN (VALUES {_pairs(work_items)}) RETURNING id, fence"
    )
    with hold_write_lock():
        return _fetched(statement, [statements.now() + int(settings.LEASE * 1e6), *_values(work_items)])


def _ours(work_items: Sequence[WorkItem]) -> set[tuple[int, int]]:
    statement = (
        f"SELECT id, fence FROM relay_run WHERE state = 'running' AND (id, fence) IN (VALUES {_pairs(work_items)})"
    )
    return _fetched(statement, _values(work_items))


def _pairs(work_items: Sequence[WorkItem]) -> str:
    return ", ".join(["(CAST(%s AS BIGINT), CAST(%s AS INTEGER))"] * len(work_items))


def _values(work_items: Sequence[WorkItem]) -> list[int]:
    return [value for work_item in work_items for value in (work_item.run_id, work_item.fence)]


def _fetched(statement: str, values: Sequence[Any]) -> set[tuple[int, int]]:
    return {(run_id, fence) for run_id, fence in statements.fetch(statement, values)}
