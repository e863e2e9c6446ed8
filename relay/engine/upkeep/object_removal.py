"""Removes the objects of removed files from the object store, in a thread: a slow store must not delay upkeep."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from relay import ids
from relay.engine.database import statements
from relay.engine.database.write_lock import hold_write_lock
from relay.engine.files import object_store
from relay.engine.files.file_store import ORPHAN_MICROS
from relay.errors import FileGone, FileStoreDown
from relay.models import FileArea

log = structlog.get_logger()

# Seconds:
EVERY = 10.0  # between two searches for removed files
PAUSE = 60.0  # before Relay tries again, after the store was down
SWEEP_FIRST, SWEEP_EVERY = 600.0, 86_400.0  # from the start to the first sweep, and between two sweeps
# Microseconds after which the objects of a removed file are removed: longer than an interrupted upload can last.
GRACE_MICROS = 120_000_000
ROUND_ROWS = 100


class _Removed(NamedTuple):
    """A removed file that may still have objects."""

    id: int
    area: str


class ObjectRemover:
    """Runs removals in one thread of this process."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._next_at = 0.0
        self._sweep_at = time.monotonic() + SWEEP_FIRST

    def tick(self) -> None:
        """Start the thread if there is something to remove. One round of upkeep, with a query every few seconds."""
        now = time.monotonic()
        if now < self._next_at or (self._thread is not None and self._thread.is_alive()):
            return
        self._next_at = now + EVERY
        is_sweep = object_store.is_used() and now >= self._sweep_at
        if not is_sweep and not removed(1):
            return
        if is_sweep:
            self._sweep_at = now + SWEEP_EVERY
        self._thread = threading.Thread(target=self._work, args=(is_sweep,), name="objects", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Let the thread end after its current file; wait for up to `seconds`."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self, is_sweep: bool) -> None:
        try:
            while remove_some() == ROUND_ROWS and not self._stop.is_set():
                pass
            if is_sweep:
                sweep(self._stop)
        except FileStoreDown as error:
            self._next_at = time.monotonic() + PAUSE
            log.warning("upkeep.objects_left", reason=str(error))
        except Exception:
            log.exception("upkeep.objects_broke")
        finally:
            statements.disconnect()


def removed(limit: int) -> list[_Removed]:
    """Files whose objects can be removed now, the first removed first."""
    return statements.fetch_records(
        _Removed,
        "SELECT id, area FROM relay_storedfile WHERE removed_at IS NOT NULL AND removed_at < %s"
        " ORDER BY removed_at LIMIT %s",
        (statements.now() - GRACE_MICROS, limit),
    )


def remove_some() -> int:
    """Remove the objects of some removed files, and then their rows; return the number of files. FileStoreDown."""
    rows = removed(ROUND_ROWS)
    for row in rows:
        try:
            _remove_objects(row.area, row.id)
        except FileStoreDown:
            _put_last(row.id)
            raise
        with hold_write_lock():
            statements.execute("DELETE FROM relay_storedfile WHERE id = %s AND removed_at IS NOT NULL", (row.id,))
    return len(rows)


def _put_last(file_id: int) -> None:
    """Let the other files be removed before this one, whose objects alone may be locked."""
    with hold_write_lock():
        statements.execute(
            "UPDATE relay_storedfile SET removed_at = %s WHERE id = %s AND removed_at IS NOT NULL",
            (statements.now(), file_id),
        )


def sweep(stop: threading.Event) -> int:
    """Remove objects of this database's area that have no row, and return the number of files. Raises FileStoreDown.

    There are none unless the database was replaced by an older backup.
    """
    area, before, count = FileArea.current(), ids.first_at(statements.now() - ORPHAN_MICROS), 0
    for file_ids in object_store.files(area):
        old = [file_id for file_id in file_ids if file_id < before]
        for file_id in _without_row(old):
            _remove_objects(area, file_id)
            count += 1
        if stop.is_set():
            break
    if count:
        log.info("upkeep.objects_swept", files=count)
    return count


def _without_row(file_ids: Sequence[int]) -> list[int]:
    if not file_ids:
        return []
    statement = f"SELECT id FROM relay_storedfile WHERE id IN ({statements.marks(len(file_ids))})"
    known = set(statements.fetch_values(statement, file_ids))
    return [file_id for file_id in file_ids if file_id not in known]


def _remove_objects(area: str, file_id: int) -> None:
    try:
        object_store.remove(area, file_id)
    except FileGone:
        log.debug("upkeep.objects_gone", file=file_id)


_remover = ObjectRemover()
tick = _remover.tick
stop = _remover.stop
