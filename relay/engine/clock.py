"""The clock: what is due is kept in wall time, so a clock that is set back must not put off what was to be done."""

from __future__ import annotations

import time

import structlog

from relay.engine import sql

log = structlog.get_logger()

# Seconds. A smaller step makes nothing later than by itself.
NOTICED = 5.0


class Steps:
    """Notices that the wall clock was set back, by a clock that nobody sets."""

    def __init__(self) -> None:
        self._offset = _offset()

    def back(self) -> float:
        """Seconds by which the clock was set back since the last look, else 0."""
        before, self._offset = self._offset, _offset()
        step = before - self._offset
        return step if step >= NOTICED else 0.0


def _offset() -> float:
    return time.time() - time.monotonic()


def bring_forward(seconds: float) -> int:
    """After the clock was set back by so many seconds: make all that is due later due that much sooner; how many."""
    now, step = sql.now(), int(seconds * 1e6)
    # What has come due since the step, and leases taken since, are nearer than the step is long.
    moved = sql.execute(
        "UPDATE relay_run SET due_at = CASE WHEN due_at < %s THEN %s ELSE due_at - %s END WHERE due_at > %s",
        (now + step, now, step, now + step // 2),
    )
    log.warning("clock.set_back", seconds=round(seconds), runs=moved)
    return moved
