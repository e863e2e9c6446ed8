"""Turns: writers of the embedded database take it one after the other, without SQLite's long waits in between."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from relay.engine import sql

# A writer that finds SQLite's lock taken sleeps for 1 ms, then for longer and longer, up to 100 ms, while others
# come and go. Those of the hot path ask for their turn here first, and look again this soon.
LOOK_AGAIN = 0.0002  # seconds
# Whoever holds a turn for so long has been stopped in the middle: go on without it, as SQLite's lock still holds.
PATIENCE = 5.0  # seconds

_lock = threading.Lock()
_files: dict[tuple[int, str], int] = {}


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """A transaction that writes, at its turn; inside of another one, a part of that."""
    with turn(), transaction.atomic():
        yield


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """The turn alone, for one statement; nothing within a transaction, which has begun to write."""
    django = sql.database()
    path = _path(django)
    if path is None or django.in_atomic_block:
        yield
        return
    with _lock:
        file = _file(path)
        is_ours = _take(file)
        try:
            yield
        finally:
            if is_ours:
                fcntl.flock(file, fcntl.LOCK_UN)


def _path(django: BaseDatabaseWrapper) -> str | None:
    """Where turns are taken: beside the database's file; PostgreSQL and a database in memory need none."""
    name = str(django.settings_dict["NAME"])
    return None if django.vendor != "sqlite" or "memory" in name else f"{name}-turn"


def _file(path: str) -> int:
    # A lock belongs to the file as it was opened: what is shared by a fork would be everybody's turn at once.
    key = (os.getpid(), path)
    if key not in _files:
        _files[key] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _files[key]


def _take(file: int) -> bool:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_AGAIN)
        else:
            return True
