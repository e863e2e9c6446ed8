"""The clock: what is due is kept in wall time, so a clock that is set back must not put off what was to be done.

What was written by a clock that was ahead says so itself: it was made, tried or taken later than it is now. That is
found whoever sees the step, and when nobody does: between two rounds of upkeep, or while none runs.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
import structlog
from django.conf import settings

from relay import ids
from relay.engine import sql
from relay.engine.gates import LONGEST_PUT_BACK
from relay.engine.turns import writing

log = structlog.get_logger()

# Seconds. A smaller step makes nothing later than by itself; and the clocks of hosts differ by less.
NOTICED = 5.0
PAGE = 2_000  # runs that one round looks at

_NOTICED = int(NOTICED * 1e6)


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
    """After the clock was set back by so many seconds: keep the pace of what is released; how many runs that moved.

    Of these nothing tells when they were released, so only who sees the step can do that.
    """
    now, step = sql.now(), int(seconds * 1e6)
    moved = sql.execute(
        "UPDATE relay_run SET due_at = CASE WHEN due_at < %s THEN %s ELSE due_at - %s END"
        " WHERE due_at > %s AND state = 'queued'",
        (now + step, now, step, now + step // 2),
    )
    log.warning("clock.set_back", seconds=round(seconds), runs=moved)
    return moved


class Ahead:
    """Finds what was written by a clock that was ahead, some runs a round, and makes it due when it was meant to be."""

    def __init__(self) -> None:
        self._after = 0  # when the last run of the former page is due

    def bring_back(self) -> int:
        """One round; how many runs are due sooner now. Nothing where no id was made later than now."""
        now = sql.now()
        if not _was_ahead(now):
            self._after = 0
            return 0
        rows = sql.fetch(
            "SELECT id, fence, state, due_at, trail,"
            " (SELECT max(started_at) FROM relay_attempt WHERE run_id = relay_run.id)"
            f" FROM relay_run WHERE due_at > %s ORDER BY due_at LIMIT {PAGE}",
            (max(now + _NOTICED, self._after),),
        )
        self._after = rows[-1][3] if len(rows) == PAGE else 0
        return _move([(*row[:4], due) for row in rows if (due := _meant(row, now)) < row[3]])


def _was_ahead(now: int) -> bool:
    newest = sql.fetch("SELECT (SELECT max(id) FROM relay_run), (SELECT max(id) FROM relay_attempt)")[0]
    return any(number and number > ids.first_at(now + _NOTICED) for number in newest)


def _meant(row: tuple[Any, ...], now: int) -> int:
    """When a run was meant to be due, by the clock of now; the same where nothing tells that it was meant earlier."""
    number, fence, state, due, trail, tried = row
    if state == "running":
        return int(min(due, now + int(settings.LEASE * 1e6)))
    if state == "queued":
        # Made as it was due; or put back, which is never for long.
        is_late = _is_made_at(number, due) if fence == 0 else due > now + int(LONGEST_PUT_BACK * 1e6) + _NOTICED
        return now if is_late else int(due)
    began = _began(trail, tried)
    return now + int(due) - began if now + _NOTICED < began < due else int(due)


def _is_made_at(number: int, due: int) -> bool:
    return ids.first_at(due - _NOTICED) < number < ids.first_at(due + _NOTICED)


def _began(trail: str | None, tried: int | None) -> int:
    """When a wait began that ends so long after; 0 for one that ends at a date."""
    entries = msgspec.json.decode(trail) if trail else []
    waits = [entry for entry in entries if entry["state"] == "waiting"]
    began: int | None = waits[-1].get("since") if waits else tried
    return began or 0


def _move(runs: list[tuple[Any, ...]]) -> int:
    if not runs:
        return 0
    with writing():
        moved = sum(
            sql.execute(
                "UPDATE relay_run SET due_at = %s WHERE id = %s AND fence = %s AND state = %s AND due_at = %s",
                (meant, number, fence, state, due),
            )
            for number, fence, state, due, meant in runs
        )
    log.warning("clock.was_ahead", runs=moved)
    return moved
