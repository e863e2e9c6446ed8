"""Cancels reads that take too long, with one shared timer: a timer for each request is too expensive."""

from __future__ import annotations

import asyncio
import time

CHECK_SECONDS = 0.25  # a read may last this much longer than its timeout


class ReadTimeout:
    """Keeps the deadlines of reads in one event loop.

    with timeout.for_task(seconds):
        ...                       # raises TimeoutError in here after `seconds`
    """

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[object], float] = {}
        self._expired: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def for_task(self, seconds: float) -> _TaskTimeout:
        return _TaskTimeout(self, seconds)

    def begin(self, task: asyncio.Task[object], seconds: float) -> None:
        self._until[task] = time.monotonic() + seconds
        if self._timer is None:
            self._schedule(min(seconds, CHECK_SECONDS))

    def extend(self, seconds: float) -> None:
        """Give the current task more time, because it has received a part of a large body."""
        task = asyncio.current_task()
        if task in self._until:
            self._until[task] += seconds

    def end(self, task: asyncio.Task[object]) -> bool:
        """Remove the task's deadline; return True if the task was cancelled because of it."""
        self._until.pop(task, None)
        is_expired = task in self._expired
        self._expired.discard(task)
        return is_expired

    def _schedule(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._cancel_expired)

    def _cancel_expired(self) -> None:
        self._timer = None
        now = time.monotonic()
        for task in [task for task, until in self._until.items() if until <= now]:
            del self._until[task]
            self._expired.add(task)
            task.cancel()
        if self._until:
            self._schedule(CHECK_SECONDS)


class _TaskTimeout:
    def __init__(self, timeout: ReadTimeout, seconds: float) -> None:
        self._timeout = timeout
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._timeout.begin(task, self._seconds)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._timeout.end(self._task) and kind is asyncio.CancelledError and self._task.uncancel() == 0:
            raise TimeoutError
