"""Pools helper processes: answers several questions at once, at most one of each workspace, and workspaces in turn.

A workspace that asks too much is the only one to be refused: its queue is short, and if its questions stop helpers
repeatedly, it has to wait a minute while all others are answered.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from relay.engine.sandbox import workspace_shares
from relay.errors import Busy, RelayError

# The largest number of waiting questions of one workspace, and the longest time that each waits.
MAX_WAITING = 8
WAIT_SECONDS = 10.0
# How many helpers the questions of one workspace may stop within a minute, by taking too long or too much memory.
MAX_STOPS = 6
_MINUTE = 60.0


class Helper(Protocol):
    """Answers the questions of a pool, one at a time: a `HelperProcess`."""

    def ask(self, question: dict[str, Any]) -> dict[str, Any]: ...

    def close(self) -> None: ...


@dataclass(eq=False, slots=True)
class _Turn:
    """A waiting question; `helper` is set when it is its turn."""

    workspace: int
    helper: Helper | None = None


class Pool:
    """Up to `size` helpers, each created when it is first needed. `noun`: what they make, for error messages."""

    def __init__(self, make: Callable[[], Helper], *, size: int, noun: str, wait_seconds: float = WAIT_SECONDS) -> None:
        self._make, self._size, self._noun, self._wait_seconds = make, size, noun, wait_seconds
        self._changed = threading.Condition()
        self._helpers: list[Helper] = []
        self._free: list[Helper] = []
        self._asking: set[int] = set()
        # Workspaces with waiting questions; the one that was answered last comes last.
        self._waiting: dict[int, deque[_Turn]] = {}
        self._stopped: dict[int, deque[float]] = {}

    def ask(self, question: dict[str, Any], *, workspace: int) -> dict[str, Any]:
        """The answer of a helper. Raises Busy, TemplateLimit (`time`, `memory`), RelayError if there is none."""
        with workspace_shares.released():
            helper = self._acquire(workspace)
            try:
                return helper.ask(question)
            except RelayError:
                # The helper was stopped, exited or didn't start. Errors that a helper answers with are not raised.
                self._note_stop(workspace)
                raise
            finally:
                self._release(helper, workspace)

    def close(self) -> None:
        """End all helpers; each is started again when it is next asked."""
        with self._changed:
            helpers = list(self._helpers)
        for helper in helpers:
            helper.close()

    def _acquire(self, workspace: int) -> Helper:
        turn = _Turn(workspace)
        with self._changed:
            self._check(workspace)
            self._waiting.setdefault(workspace, deque()).append(turn)
            self._assign()
            self._changed.wait_for(lambda: turn.helper is not None, self._wait_seconds)
            if turn.helper is None:
                self._withdraw(turn)
                raise Busy(f"Too many {self._noun}s at once: try again in a moment")
            return turn.helper

    def _check(self, workspace: int) -> None:
        """Raise Busy if this workspace has asked too much."""
        if len(self._waiting.get(workspace, ())) >= MAX_WAITING:
            raise Busy(f"This workspace asks for too many {self._noun}s at once: try again in a moment")
        stops, since = self._stopped.get(workspace), time.monotonic() - _MINUTE
        while stops and stops[0] < since:
            stops.popleft()
        if stops is not None and not stops:
            del self._stopped[workspace]
        if stops and len(stops) >= MAX_STOPS:
            raise Busy(
                f"The {self._noun}s of this workspace had to be stopped too often: try again in a minute",
                retry_after=int(stops[0] - since) + 1,
            )

    def _assign(self) -> None:
        """Give free helpers to waiting workspaces, one each, in the order in which they were last answered."""
        for workspace in [workspace for workspace in self._waiting if workspace not in self._asking]:
            helper = self._free_helper()
            if helper is None:
                return
            queue = self._waiting.pop(workspace)
            queue.popleft().helper = helper
            if queue:
                self._waiting[workspace] = queue
            self._asking.add(workspace)
            self._changed.notify_all()

    def _free_helper(self) -> Helper | None:
        if self._free:
            return self._free.pop()  # the last used, so that the others become idle and exit when there is little to do
        if len(self._helpers) == self._size:
            return None
        self._helpers.append(self._make())
        return self._helpers[-1]

    def _withdraw(self, turn: _Turn) -> None:
        queue = self._waiting[turn.workspace]
        queue.remove(turn)
        if not queue:
            del self._waiting[turn.workspace]

    def _note_stop(self, workspace: int) -> None:
        with self._changed:
            self._stopped.setdefault(workspace, deque(maxlen=MAX_STOPS)).append(time.monotonic())

    def _release(self, helper: Helper, workspace: int) -> None:
        with self._changed:
            self._asking.discard(workspace)
            self._free.append(helper)
            self._assign()
