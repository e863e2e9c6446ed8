"""Serializes the writers of a SQLite database with a lock file, which avoids SQLite's long back-off."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from relay.engine.database import statements

# A writer that finds SQLite's own lock taken sleeps for 1 ms, then longer and longer, up to 100 ms, while other writers
# get ahead of it. Writers of the hot path take this lock first, and poll it at this interval.
POLL_SECONDS = 0.0002
# A process that holds the lock longer than this is suspended. Others then continue without it: SQLite's own lock still
# protects the database.
MAX_WAIT_SECONDS = 5.0

_lock = threading.Lock()
_files: dict[tuple[int, str], int] = {}


@contextlib.contextmanager
def write_transaction() -> Iterator[None]:
    """Open a transaction that writes, under the write lock; inside another transaction, join that one."""
    with hold_write_lock(), transaction.atomic():
        yield


@contextlib.contextmanager
def hold_write_lock() -> Iterator[None]:
    """Hold the write lock alone, for one statement; does nothing inside a transaction, which holds it already."""
    django = statements.database()
    path = _path(django)
    if path is None or django.in_atomic_block:
        yield
        return
    with _lock:
        file = _file(path)
        is_locked = _acquire(file)
        try:
            yield
        finally:
            if is_locked:
                fcntl.flock(file, fcntl.LOCK_UN)


def _path(django: BaseDatabaseWrapper) -> str | None:
    """The lock file, beside the database's file; PostgreSQL and a database in memory need none."""
    name = str(django.settings_dict["NAME"])
    return None if django.vendor != "sqlite" or "memory" in name else f"{name}-turn"


def _file(path: str) -> int:
    # A lock belongs to an open file description, so a forked process that shared it would hold the lock as well.
    key = (os.getpid(), path)
    if key not in _files:
        _files[key] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _files[key]


def _acquire(file: int) -> bool:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True
