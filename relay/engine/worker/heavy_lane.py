"""Queues claimed runs of flows that use much CPU; they are walked one at a time, the least busy workspace first."""

from __future__ import annotations

import time
from collections.abc import Callable

from relay.engine.walk.work_item import Outcome, WorkItem
from relay.engine.worker.cpu_shares import HELD_SECONDS, CpuShares


class HeavyLane:
    """The waiting work items of heavy flows. Not thread-safe: the caller holds the lock of WalkThreads."""

    def __init__(self, loads: CpuShares) -> None:
        self._loads = loads
        self._work_items: list[WorkItem] = []

    def __len__(self) -> int:
        return len(self._work_items)

    def add(self, work_item: WorkItem) -> None:
        self._work_items.append(work_item)

    def take(self) -> WorkItem:
        """Remove and return the next work item; of several of one flow, the oldest."""
        first = min(self._work_items, key=self._rank())
        self._work_items.remove(first)
        return first

    def _rank(self) -> Callable[[WorkItem], tuple[float, float]]:
        now = time.monotonic()
        return lambda work_item: self._loads.rank(work_item.flow_id, work_item.workspace_id, now)

    def surplus(self) -> list[Outcome]:
        """Remove the items that would wait for longer than HELD_SECONDS, as outcomes that make their runs due again.

        They were claimed before their flow was known to be heavy. Other workers can walk them, or this one later.
        """
        if len(self._work_items) < 2:
            return []
        self._work_items.sort(key=self._rank())
        kept, left = 1, HELD_SECONDS - self._cost(0)
        while kept < len(self._work_items) and left > 0:
            left -= self._cost(kept)
            kept += 1
        surplus, self._work_items = self._work_items[kept:], self._work_items[:kept]
        return [self._returned(work_item) for work_item in surplus]

    def _cost(self, index: int) -> float:
        return self._loads.cost(self._work_items[index])

    def _returned(self, work_item: WorkItem) -> Outcome:
        self._loads.assume(work_item)
        return returned(work_item)


def returned(work_item: WorkItem) -> Outcome:
    """The outcome of a claimed run that was not walked: it is due again, unchanged."""
    outcome = Outcome(work_item, trail=list(work_item.trail))
    outcome.put_back(tries=work_item.tries)
    if work_item.marked_fence != work_item.fence:
        # Its action may have been sent under that former fence. A mark for our fence is dropped, as nothing was sent.
        outcome.keep_mark()
    return outcome
