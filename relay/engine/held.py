"""Held: what paused flows keep is released, at once or at a pace, or discarded, a few runs a transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from relay import ids
from relay.engine import sql
from relay.models import Flow

BATCH = 500
# Seconds between two transactions: SQLite hands its lock to nobody, so ingest needs a moment in which it is free.
PAUSE = 0.01
# How old a run may be that was stored as held by a process which did not yet know of the resumption; seconds.
STRAGGLING = 60.0

_OURS = "flow_id = %s AND state = 'held' AND held_by = 'pause'"


@dataclass(slots=True)
class Release:
    """Make held runs due, one `every` so many microseconds, in the order in which they came."""

    every: int
    _next: int = field(default_factory=sql.now)

    def move(self, runs: list[int]) -> int:
        first, self._next = self._next, self._next + len(runs) * self.every
        values = [value for place, run in enumerate(runs) for value in (run, first + place * self.every)]
        rows = ", ".join(["(CAST(%s AS BIGINT), CAST(%s AS BIGINT))"] * len(runs))
        moved = sql.fetch(
            f"WITH v (id, due) AS (VALUES {rows}) UPDATE relay_run"
            " SET state = 'queued', due_at = v.due, reason = '', held_by = '' FROM v"
            " WHERE relay_run.id = v.id AND relay_run.state = 'held' AND relay_run.held_by = 'pause'"
            " RETURNING relay_run.id",
            values,
        )
        return len(moved)


@dataclass(frozen=True, slots=True)
class Discard:
    """Cancel held runs."""

    def move(self, runs: list[int]) -> int:
        return sql.execute(
            "UPDATE relay_run SET state = 'cancelled', due_at = NULL, finished_at = %s, fence = fence + 1,"
            f" held_by = '', reason = 'Discarded when the flow was resumed' WHERE id IN ({sql.marks(len(runs))})"
            " AND state = 'held' AND held_by = 'pause'",
            (sql.now(), *runs),
        )


def count(flow: Flow) -> int:
    """How many runs the pause of a flow holds."""
    return int(sql.fetch(f"SELECT count(*) FROM relay_run WHERE {_OURS}", (flow.pk,))[0][0])


def move_all(flow: Flow, change: Release | Discard) -> int:
    """Move what a pause holds, a transaction a batch, the oldest first; how many moved."""
    moved = 0
    while runs := _oldest(flow):
        moved += change.move(runs)
        if len(runs) < BATCH:
            break
        time.sleep(PAUSE)
    return moved


def move_rest(flow: Flow, change: Release | Discard) -> int:
    """Move what has been held since, all in the caller's transaction; how many moved."""
    moved = 0
    while runs := _oldest(flow):
        moved += change.move(runs)
    return moved


def _oldest(flow: Flow) -> list[int]:
    rows = sql.fetch(f"SELECT id FROM relay_run WHERE {_OURS} ORDER BY id LIMIT {BATCH}", (flow.pk,))
    return [row[0] for row in rows]


def hold_again(flow: Flow) -> int:
    """Hold what was released at a pace and has not begun; how many those are."""
    moved = 0
    # A few at a time, and the last ones first: those that are due next may begin meanwhile.
    while changed := sql.execute(
        "UPDATE relay_run SET state = 'held', due_at = NULL, held_by = 'pause', reason = 'The flow is paused'"
        " WHERE state = 'queued' AND fence = 0 AND id IN (SELECT id FROM relay_run WHERE flow_id = %s AND due_at > %s"
        f" AND state = 'queued' AND fence = 0 ORDER BY due_at DESC LIMIT {BATCH})",
        (flow.pk, sql.now()),
    ):
        moved += changed
        if changed == BATCH:
            time.sleep(PAUSE)
    return moved


def release_stragglers() -> int:
    """Make due what was stored as held after its flow had been resumed; how many those were. For upkeep.

    On PostgreSQL a commit of ingest that began before the resumption may end after it.
    """
    newest = ids.first_at(sql.now() - int(STRAGGLING * 1e6))
    found = sql.fetch(
        "SELECT r.id FROM relay_flow f JOIN relay_run r ON r.flow_id = f.id AND r.state = 'held' AND r.id >= %s"
        f" WHERE NOT f.paused AND r.held_by = 'pause' ORDER BY r.id LIMIT {BATCH}",
        (newest,),
    )
    return Release(every=1).move([row[0] for row in found]) if found else 0
