"""Lets workspaces take turns at work that runs for only a few requests at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator

# Requests of one workspace that may wait for a slot, their bytes, and how many seconds each may wait.
MAX_WAITING = 200
MAX_BYTES = 32 * 1024 * 1024
WAIT_SECONDS = 10.0


class Overloaded(Exception):
    """More requests wait than fit in memory; the sender should retry in a moment."""


class WorkspaceTurns:
    """A number of slots, of which one workspace has at most `share`. Used from one event loop.

    `wait`: how many seconds a request may wait for a slot.
    """

    def __init__(self, slots: int, *, share: int, wait: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait
        self._free = slots
        self._share = share
        self._held: Counter[int] = Counter()
        self._bytes: Counter[int] = Counter()
        # Ordered: the first workspace is the next to get a slot.
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def turn(self, workspace_id: int, size: int) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Raises Overloaded if too many of the workspace wait, or after WAIT_SECONDS.

        `size` is how many bytes the request keeps in memory.
        """
        slot = self._enqueue(workspace_id, size)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await slot
            yield
        except TimeoutError:
            raise Overloaded from None
        finally:
            self._leave(workspace_id, size, slot)

    def _enqueue(self, workspace_id: int, size: int) -> asyncio.Future[None]:
        queue = self._waiting.setdefault(workspace_id, deque())
        if len(queue) >= MAX_WAITING or (queue and self._bytes[workspace_id] + size > MAX_BYTES):
            raise Overloaded
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(slot)
        self._bytes[workspace_id] += size
        self._admit()
        return slot

    def _leave(self, workspace_id: int, size: int, slot: asyncio.Future[None]) -> None:
        _subtract(self._bytes, workspace_id, size)
        if slot.done() and not slot.cancelled():
            _subtract(self._held, workspace_id, 1)
            self._free += 1
        self._admit()

    def _admit(self) -> None:
        """Give free slots to waiting requests, one workspace after the other."""
        for workspace_id in list(self._waiting):
            queue = self._waiting[workspace_id]
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._waiting[workspace_id]
            elif self._free and self._held[workspace_id] < self._share:
                queue.popleft().set_result(None)
                self._held[workspace_id] += 1
                self._free -= 1
                self._waiting.move_to_end(workspace_id)


def _subtract(counts: Counter[int], key: int, number: int) -> None:
    counts[key] -= number
    if counts[key] <= 0:
        del counts[key]
