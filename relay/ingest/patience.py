"""Patience: one timer that ends every read which takes too long, since a timer a request is dear."""

from __future__ import annotations

import asyncio
import time

LOOK_EVERY = 0.25  # seconds; a read may last that much longer than it should


class Patience:
    """Keeps the time of reads within one event loop.

    with patience.for_task(seconds):
        ...                       # raises TimeoutError in here once the time is over
    """

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[object], float] = {}
        self._over: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def for_task(self, seconds: float) -> _Span:
        return _Span(self, seconds)

    def begin(self, task: asyncio.Task[object], seconds: float) -> None:
        self._until[task] = time.monotonic() + seconds
        if self._timer is None:
            self._look_later(min(seconds, LOOK_EVERY))

    def end(self, task: asyncio.Task[object]) -> bool:
        """Stop keeping the time; True when it was over and the task was told so."""
        self._until.pop(task, None)
        over = task in self._over
        self._over.discard(task)
        return over

    def _look_later(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for task in [task for task, until in self._until.items() if until <= now]:
            del self._until[task]
            self._over.add(task)
            task.cancel()
        if self._until:
            self._look_later(LOOK_EVERY)


class _Span:
    def __init__(self, patience: Patience, seconds: float) -> None:
        self._patience = patience
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._patience.begin(task, self._seconds)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._patience.end(self._task) and kind is asyncio.CancelledError and self._task.uncancel() == 0:
            raise TimeoutError
