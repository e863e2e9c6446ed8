"""Corrects due times after the clock was set back; they are wall-clock times, so runs would otherwise start late.

Runs that were stored by a clock that was ahead were made, tried or claimed later than the present time. This shows
even if no process saw the step, because it happened between two rounds of upkeep or while no upkeep ran.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import structlog
from django.conf import settings

from relay import ids
from relay.engine.database import statements
from relay.engine.database.write_lock import write_transaction
from relay.engine.flow_control.limiter import MAX_PUT_BACK_SECONDS
from relay.engine.walk import trail_entry

log = structlog.get_logger()

# A smaller step delays runs by no more than itself, and the clocks of hosts may differ by less.
MIN_STEP = 5.0  # seconds
ROUND_RUNS = 2_000  # examined in one round

_MIN_STEP_US = int(MIN_STEP * 1e6)


class _DueRun(NamedTuple):
    """A run that is due in the future. `trail` is JSON; `tried_at`: when its last attempt started."""

    id: int
    fence: int
    state: str
    due_at: int
    trail: str | None
    tried_at: int | None


_TRIED_AT = "(SELECT max(started_at) FROM relay_attempt WHERE run_id = relay_run.id)"
_DUE_RUNS = (
    f"SELECT {', '.join(_DueRun._fields).replace('tried_at', _TRIED_AT)}"
    " FROM relay_run WHERE due_at > %s ORDER BY due_at LIMIT %s"
)


class StepDetector:
    """Detects that the wall clock was set back, by comparing it with the monotonic clock."""

    def __init__(self) -> None:
        self._offset = _offset()

    def back(self) -> float:
        """The seconds by which the clock was set back since the last call, or 0."""
        before, self._offset = self._offset, _offset()
        step = before - self._offset
        return step if step >= MIN_STEP else 0.0


def _offset() -> float:
    return time.time() - time.monotonic()


def bring_forward(seconds: float) -> int:
    """Move the due times of released runs, after the clock was set back; return the number of runs moved.

    Released runs don't store when they were released, so only the process that sees the step can correct them.
    """
    now, step = statements.now(), int(seconds * 1e6)
    moved = statements.execute(
        "UPDATE relay_run SET due_at = CASE WHEN due_at < %s THEN %s ELSE due_at - %s END"
        " WHERE due_at > %s AND state = 'queued'",
        (now + step, now, step, now + step // 2),
    )
    log.warning("clock.set_back", seconds=round(seconds), runs=moved)
    return moved


class SkewedRuns:
    """Finds runs that were stored by a clock that was ahead, and corrects their due times, some in each round."""

    def __init__(self) -> None:
        self._after = 0  # due time of the last run of the previous page

    def bring_back(self) -> int:
        """Do one round; return the number of runs moved. Does nothing if no id is later than the present time."""
        now = statements.now()
        if not _was_ahead(now):
            self._after = 0
            return 0
        runs = statements.fetch_records(_DueRun, _DUE_RUNS, (max(now + _MIN_STEP_US, self._after), ROUND_RUNS))
        self._after = runs[-1].due_at if len(runs) == ROUND_RUNS else 0
        return _move([(run, due_at) for run in runs if (due_at := _intended(run, now)) < run.due_at])


def _was_ahead(now: int) -> bool:
    newest = statements.fetch("SELECT (SELECT max(id) FROM relay_run), (SELECT max(id) FROM relay_attempt)")[0]
    return any(newest_id and newest_id > ids.first_at(now + _MIN_STEP_US) for newest_id in newest)


def _intended(run: _DueRun, now: int) -> int:
    """The intended due time of a run by the present clock; its present due time if nothing shows that it is wrong."""
    due = run.due_at
    if run.state == "running":
        return min(due, now + int(settings.LEASE * 1e6))
    if run.state == "queued":
        # A run is due when it is made; a run that was put back is due soon.
        latest = now + int(MAX_PUT_BACK_SECONDS * 1e6) + _MIN_STEP_US
        is_late = _is_made_at(run.id, due) if run.fence == 0 else due > latest
        return now if is_late else due
    since = _waiting_since(run.trail, run.tried_at)
    return now + due - since if now + _MIN_STEP_US < since < due else due


def _is_made_at(run_id: int, due: int) -> bool:
    return ids.first_at(due - _MIN_STEP_US) < run_id < ids.first_at(due + _MIN_STEP_US)


def _waiting_since(trail: str | None, tried: int | None) -> int:
    """The start of a wait that has a duration; 0 for a wait that ends at a date."""
    waits = [entry for entry in trail_entry.decode(trail) if entry.state == "waiting"]
    since = waits[-1].since if waits else tried
    return since or 0


def _move(runs: list[tuple[_DueRun, int]]) -> int:
    """Give each run its intended due time, unless it has changed in the meantime."""
    if not runs:
        return 0
    with write_transaction():
        moved = sum(
            statements.execute(
                "UPDATE relay_run SET due_at = %s WHERE id = %s AND fence = %s AND state = %s AND due_at = %s",
                (intended, run.id, run.fence, run.state, run.due_at),
            )
            for run, intended in runs
        )
    log.warning("clock.was_ahead", runs=moved)
    return moved
