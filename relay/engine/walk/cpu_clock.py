"""Limits the CPU that a walk may use before its run gives way to others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from relay.engine.walk.trail_entry import TrailEntry

# Seconds of CPU that any walk may use; beyond this, only the walk that has its worker's CPU slot continues.
BRIEF = 0.05
# Seconds of CPU after which every run is put back, and another one gets the slot.
TURN = 0.5
# Seconds of CPU that one run may use in all its turns.
WHOLE_RUN = 60.0
# Seconds; less than this is not counted.
_COUNTED = 0.01


class Slot(Protocol):
    """The right to compute for longer than BRIEF; one walk of a worker has it at a time."""

    def take(self) -> bool:
        """Take the slot if it is free; whether this walk has it now."""

    def yield_cpu(self) -> None:
        """Let other threads that have work run first, for a moment."""

    def pause(self) -> None:
        """Release the slot while the walk waits for an answer."""

    def resume(self) -> None:
        """Note that the answer has arrived."""


class FreeSlot:
    """The slot of a walk that is alone in its process."""

    def take(self) -> bool:
        return True

    def yield_cpu(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class CpuAllowance:
    """The CPU that one walk may use, measured by the clock of its thread; there is no limit without a slot.

    `began`: the thread's clock when the walk began, if it was just read. Reading it takes a system call.
    """

    __slots__ = ("_began", "_is_limited", "_since", "slot")

    def __init__(self, slot: Slot | None = None, began: float | None = None) -> None:
        self.slot = slot or FreeSlot()
        self._is_limited = slot is not None
        self._began = time.thread_time() if began is None else began
        self._since = time.monotonic()

    @property
    def used(self) -> float:
        """Seconds of CPU since the walk began."""
        return time.thread_time() - self._began

    @property
    def is_over(self) -> bool:
        """Whether the run must be put back before it computes more. Takes the slot if it needs it."""
        # Within BRIEF of elapsed time, no thread can have used more CPU than that.
        if not self._is_limited or time.monotonic() - self._since <= BRIEF:
            return False
        used = time.thread_time() - self._began
        if used <= BRIEF:
            return False
        self.slot.yield_cpu()
        return used > TURN or not self.slot.take()

    def note(self, trail: list[TrailEntry]) -> None:
        """Add the CPU of this turn to the last entry of the trail."""
        used = self.used
        if self._is_limited and used > _COUNTED and trail:
            trail[-1] = replace(trail[-1], spent=trail[-1].spent + round(used * 1000))


def spent(trail: Sequence[TrailEntry]) -> float:
    """Seconds of CPU that a run used in its earlier turns."""
    return float(sum(entry.spent for entry in trail)) / 1000
