"""Copies SQLite's write-ahead log into the database in a thread of upkeep, so that commits don't have to.

The time of a checkpoint and its fsync depends on how much was written. A commit makes a checkpoint only when the log
has more than `settings.LOG_MOST_PAGES`. That bounds the log while no upkeep runs.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.db import Error

from relay.engine.database import statements
from relay.engine.database.write_lock import hold_write_lock

log = structlog.get_logger()

EVERY = 1.0  # seconds between checkpoints while little is written
POLL_SECONDS = 0.05  # between checks of the log's file
# Size of the log beyond which writers wait until it is restarted. Under constant writes it never restarts by itself,
# because there are always pages that no checkpoint has copied yet.
RESTART_BYTES = 128 * 1024 * 1024
RESTART_WAIT = 100  # milliseconds for which a restart waits for readers and writers
RETRY_SECONDS = 5.0  # until the next restart, if a reader needs the log for longer
# Before a restart, up to MAX_PASSES checkpoints each copy what was written during the one before, until one takes less
# than SHORT_PASS seconds.
MAX_PASSES, SHORT_PASS = 4, 0.02


@dataclass(frozen=True, slots=True)
class Log:
    """The log after a checkpoint: its bytes, and whether the checkpoint was complete."""

    bytes: int
    is_complete: bool


class Checkpoints:
    """Keeps the log short. Use it from one thread."""

    def __init__(self) -> None:
        self._last = self._not_before = float("-inf")
        self._seen: object = None

    def poll(self) -> None:
        """Make a checkpoint if one is due by time, or if the log's file has grown."""
        now = time.monotonic()
        size, written = _stat()
        if now - self._last >= EVERY or (size > settings.LOG_BYTES and written != self._seen):
            self._last, self._seen = now, written
            if checkpoint("PASSIVE").bytes > RESTART_BYTES and now >= self._not_before:
                self._restart()

    def _restart(self) -> None:
        for _ in range(MAX_PASSES):
            started = time.monotonic()
            checkpoint("PASSIVE")
            if time.monotonic() - started < SHORT_PASS:
                break
        statements.fetch(f"PRAGMA busy_timeout = {RESTART_WAIT}")
        with hold_write_lock():
            log_state = checkpoint("RESTART")
        if not log_state.is_complete:
            self._not_before = time.monotonic() + RETRY_SECONDS
            log.warning(
                "checkpoints.held_up", bytes=log_state.bytes, reason="A reader or another checkpoint needs the log"
            )


def checkpoint(mode: str) -> Log:
    """Copy the log. PASSIVE lets others read and write meanwhile; RESTART makes them wait and restarts the log."""
    busy, pages, _ = statements.fetch(f"PRAGMA wal_checkpoint({mode})")[0]
    page_size = statements.fetch_value("PRAGMA page_size")
    return Log(max(0, int(pages)) * int(page_size), is_complete=not busy)


def _stat() -> tuple[int, int]:
    """The size of the log's file, which doesn't shrink with its content, and the time of its last change (ns)."""
    # This doesn't open the file, because closing one of SQLite's files would drop the locks of this process.
    try:
        stat = Path(f"{statements.database().settings_dict['NAME']}-wal").stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def run(stop: threading.Event) -> None:
    """Keep the log short until `stop` is set, even if checkpoints fail."""
    checkpoints = Checkpoints()
    while not stop.wait(POLL_SECONDS):
        try:
            checkpoints.poll()
        except Error as error:
            log.warning("checkpoints.database", reason=str(error).strip())
            statements.disconnect()
            stop.wait(EVERY)
        except Exception:
            log.exception("checkpoints.broke")
            stop.wait(EVERY)
    statements.disconnect()


def start(stop: threading.Event) -> threading.Thread:
    """Start a thread that keeps the log of the embedded database short until `stop` is set."""
    thread = threading.Thread(target=run, args=[stop], name="checkpoints", daemon=True)
    thread.start()
    return thread
