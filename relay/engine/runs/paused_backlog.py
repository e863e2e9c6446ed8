"""Releases the runs that a paused flow holds, at once or at a pace, or discards them, a few runs per transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from relay import ids
from relay.engine.database import statements
from relay.models import Flow

BATCH_RUNS = 500
# Seconds between two transactions. SQLite does not pass its lock on, so ingest needs a moment in which it is free.
PAUSE_SECONDS = 0.01
# Maximum age, in seconds, of a run that a process stored as held because it did not know yet that the flow was resumed.
STRAGGLER_SECONDS = 60.0

_HELD_BY_PAUSE = "flow_id = %s AND state = 'held' AND held_by = 'pause'"


@dataclass(slots=True)
class Release:
    """Makes held runs due, one per `every` microseconds, in the order of their arrival."""

    every: int
    _next: int = field(default_factory=statements.now)

    def move(self, runs: list[int]) -> int:
        first, self._next = self._next, self._next + len(runs) * self.every
        values = [value for index, run in enumerate(runs) for value in (run, first + index * self.every)]
        rows = ", ".join(["(CAST(%s AS BIGINT), CAST(%s AS BIGINT))"] * len(runs))
        moved = statements.fetch(
            f"WITH v (id, due) AS (VALUES {rows}) UPDATE relay_run"
            " SET state = 'queued', due_at = v.due, reason = '', held_by = '' FROM v"
            " WHERE relay_run.id = v.id AND relay_run.state = 'held' AND relay_run.held_by = 'pause'"
            " RETURNING relay_run.id",
            values,
        )
        return len(moved)


@dataclass(frozen=True, slots=True)
class Discard:
    """Cancels held runs."""

    def move(self, runs: list[int]) -> int:
        return statements.execute(
            "UPDATE relay_run SET state = 'cancelled', due_at = NULL, finished_at = %s, fence = fence + 1,"
            f" held_by = '', reason = 'Discarded when the flow was resumed' WHERE id IN ({statements.marks(len(runs))})"
            " AND state = 'held' AND held_by = 'pause'",
            (statements.now(), *runs),
        )


def count(flow: Flow) -> int:
    """Count the runs that a flow holds because it is or was paused."""
    return int(statements.fetch_value(f"SELECT count(*) FROM relay_run WHERE {_HELD_BY_PAUSE}", (flow.pk,)))


def move_all(flow: Flow, change: Release | Discard) -> int:
    """Apply a change to all held runs, oldest first, one transaction per batch; return the number of runs changed."""
    moved = 0
    while runs := _oldest(flow):
        moved += change.move(runs)
        if len(runs) < BATCH_RUNS:
            break
        time.sleep(PAUSE_SECONDS)
    return moved


def move_rest(flow: Flow, change: Release | Discard) -> int:
    """Apply a change to the runs held since, in the caller's transaction; return the number of runs changed."""
    moved = 0
    while runs := _oldest(flow):
        moved += change.move(runs)
    return moved


def _oldest(flow: Flow) -> list[int]:
    return statements.fetch_values(
        f"SELECT id FROM relay_run WHERE {_HELD_BY_PAUSE} ORDER BY id LIMIT {BATCH_RUNS}", (flow.pk,)
    )


def hold_again(flow: Flow) -> int:
    """Hold the runs that were released at a pace and have not started; return their number."""
    moved = 0
    # A few at a time, latest first: the runs that are due next may start meanwhile.
    while changed := statements.execute(
        "UPDATE relay_run SET state = 'held', due_at = NULL, held_by = 'pause', reason = 'The flow is paused'"
        " WHERE state = 'queued' AND fence = 0 AND id IN (SELECT id FROM relay_run WHERE flow_id = %s AND due_at > %s"
        f" AND state = 'queued' AND fence = 0 ORDER BY due_at DESC LIMIT {BATCH_RUNS})",
        (flow.pk, statements.now()),
    ):
        moved += changed
        if changed == BATCH_RUNS:
            time.sleep(PAUSE_SECONDS)
    return moved


def release_stragglers() -> int:
    """Release runs that were stored as held after their flow was resumed; return their number. For upkeep.

    On PostgreSQL, a transaction of ingest that began before the resumption may commit after it.
    """
    newest = ids.first_at(statements.now() - int(STRAGGLER_SECONDS * 1e6))
    runs = statements.fetch_values(
        "SELECT r.id FROM relay_flow f JOIN relay_run r ON r.flow_id = f.id AND r.state = 'held' AND r.id >= %s"
        f" WHERE NOT f.paused AND r.held_by = 'pause' ORDER BY r.id LIMIT {BATCH_RUNS}",
        (newest,),
    )
    return Release(every=1).move(runs) if runs else 0
