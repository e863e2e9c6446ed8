"""Threads that wait for services beside a process's own; a slow service of one workspace must not delay others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from relay.engine.database import statements


class WorkspaceThreads:
    """Up to `limit` threads at a time, and up to `workspace_limit` for one workspace.

    Each has a database connection of its own, which is closed when its work ends.
    """

    def __init__(self, name: str, *, limit: int, workspace_limit: int) -> None:
        self._name, self._limit, self._workspace_limit = name, limit, workspace_limit
        self._threads: list[tuple[int, threading.Thread]] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._threads) and bool(self._alive())

    def has_room(self, workspace_id: int) -> bool:
        alive = self._alive()
        return len(alive) < self._limit and alive.count(workspace_id) < self._workspace_limit

    def _alive(self) -> list[int]:
        """The workspaces of the threads that run."""
        self._threads = [(owner, thread) for owner, thread in self._threads if thread.is_alive()]
        return [owner for owner, _ in self._threads]

    def start(self, workspace_id: int, work: Callable[[], None]) -> None:
        """Start a thread; `work` handles its own exceptions."""
        thread = threading.Thread(target=_work, args=(work,), name=self._name, daemon=True)
        self._threads.append((workspace_id, thread))
        thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the threads that run, for up to `seconds` in all, before the process ends."""
        end = time.monotonic() + seconds
        for _, thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))


def _work(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        statements.disconnect()
