"""Limits how many requests of one workspace a process handles at once, so that workspaces don't slow each other down.

All pages and API calls of a process share one interpreter: without the limit, a client that sends a hundred slow
requests at once would make every page a hundred times slower.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from relay.errors import Busy

# How many requests of one workspace are handled at once, how many may wait, and how long each waits at most.
MAX_ACTIVE = 3
MAX_WAITING = 32
WAIT_SECONDS = 10.0

_changed = threading.Condition()
_active: Counter[int] = Counter()
_waiting: Counter[int] = Counter()
_current: ContextVar[int | None] = ContextVar("relay_share", default=None)


@contextmanager
def hold(workspace: int) -> Iterator[None]:
    """Handle a request of a workspace within its limit; raises Busy if too many of its requests wait already."""
    _acquire(workspace)
    previous = _current.get()
    _current.set(workspace)
    try:
        yield
    finally:
        # `set`, not `reset`: under ASGI this runs in another copy of the context than the code above.
        _current.set(previous)
        _release(workspace)


@contextmanager
def released() -> Iterator[None]:
    """Let other requests of the workspace be handled while this one only waits, such as for a helper process."""
    workspace = _current.get()
    if workspace is None:
        yield
        return
    _release(workspace)
    try:
        yield
    finally:
        # Not refused in the middle of its work: it continues, even if the limit has been reached in the meantime.
        with _changed:
            _active[workspace] += 1


def _acquire(workspace: int) -> None:
    with _changed:
        if _active[workspace] >= MAX_ACTIVE:
            _wait(workspace)
        _active[workspace] += 1


def _wait(workspace: int) -> None:
    if _waiting[workspace] >= MAX_WAITING:
        raise Busy("This workspace has too many requests under way at once: try again in a moment")
    _waiting[workspace] += 1
    try:
        if not _changed.wait_for(lambda: _active[workspace] < MAX_ACTIVE, WAIT_SECONDS):
            raise Busy("This workspace has too many requests under way at once: try again in a moment")
    finally:
        _waiting[workspace] -= 1
        if not _waiting[workspace]:
            del _waiting[workspace]


def _release(workspace: int) -> None:
    with _changed:
        _active[workspace] -= 1
        if not _active[workspace]:
            del _active[workspace]
        _changed.notify_all()
