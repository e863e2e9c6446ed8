"""Computes how many bytes claimed runs load, and loads those that are walked.

Large bodies and trails are not read at first, so a claim never loads more than it may.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from msgspec.structs import replace

from relay.engine.database import statements
from relay.engine.intake.event_data import EventData
from relay.engine.walk import digests
from relay.engine.walk.crash_suspects import TOO_OFTEN
from relay.engine.worker.claimed_run import EVENT_COLUMNS, ClaimedEvent, ClaimedRun


@dataclass(frozen=True, slots=True)
class DueRuns:
    """The events and sizes of claimed runs. `events`: by event id. `weights`: bytes by run id."""

    events: Mapping[int, ClaimedEvent]
    weights: Mapping[int, int]


def weigh(runs: Sequence[ClaimedRun], gathering_versions: Collection[int]) -> DueRuns:
    """Compute what each run would load; a run that will only be held loads nothing."""
    ids = list({run.event_id for run in runs})
    loaded = starmap(ClaimedEvent, statements.fetch(_events(len(ids)), ids))
    events = {event.id: event for event in loaded}
    gather = [run.id for run in runs if run.trail_size and run.version_id in gathering_versions]
    gathered = digests.gathered_sizes(gather) if gather else {}
    return DueRuns(events, {run.id: _weight(run, events, gathered) for run in runs})


@functools.lru_cache(maxsize=128)
def _events(count: int) -> str:
    return f"SELECT {EVENT_COLUMNS} FROM relay_event WHERE id IN ({statements.marks(count)})"


def _weight(run: ClaimedRun, events: Mapping[int, ClaimedEvent], gathered: Mapping[int, int]) -> int:
    if run.suspicion >= TOO_OFTEN:
        return 0
    event = events.get(run.event_id)
    return (event.body_size if event else 0) + (run.trail_size or 0) + gathered.get(run.id, 0)


def complete(runs: Sequence[ClaimedRun], due: DueRuns) -> tuple[list[ClaimedRun], dict[int, EventData]]:
    """The runs and their events, with the large bodies and trails loaded too."""
    walked = [run for run in runs if run.suspicion < TOO_OFTEN]
    trails = _large("relay_run", "trail", [run.id for run in walked if run.trail_size and run.trail is None])
    wanted = {run.event_id for run in runs if run.event_id in due.events}
    large = [run.event_id for run in walked if run.event_id in wanted and due.events[run.event_id].body is None]
    bodies = _large("relay_event", "body", large)
    whole = [_with_trail(run, trails) for run in runs] if trails else list(runs)
    return whole, {event_id: _event_data(due.events[event_id], bodies) for event_id in wanted}


def _with_trail(run: ClaimedRun, trails: Mapping[int, Any]) -> ClaimedRun:
    return replace(run, trail=trails.get(run.id, run.trail))


def _event_data(row: ClaimedEvent, bodies: Mapping[int, Any]) -> EventData:
    body = bytes(bodies.get(row.id, row.body) or b"")
    return EventData(row.id, row.method, row.query, row.headers, row.content_type, body, row.received_at, row.files)


def _large(table: str, column: str, ids: Sequence[int]) -> dict[int, Any]:
    if not ids:
        return {}
    return dict(
        statements.fetch(f"SELECT id, {column} FROM {table} WHERE id IN ({statements.marks(len(ids))})", list(ids))
    )


def put_back(back: Mapping[int, float], *, suspicion: int | None = None) -> None:
    """Make claimed runs due again. `back`: run id -> seconds until then. Marks that our fence allows move to the next.

    `suspicion`: the new points of the runs, None to keep them.
    """
    now = statements.now()
    for seconds in set(back.values()):
        ids = [run_id for run_id, after in back.items() if after == seconds]
        statements.execute(
            "UPDATE relay_run SET state = 'queued', due_at = %s, suspicion = COALESCE(CAST(%s AS INTEGER), suspicion),"
            " marked_fence = CASE WHEN marked_fence = fence THEN fence + 1 ELSE marked_fence END"
            f" WHERE id IN ({statements.marks(len(ids))}) AND state = 'running'",
            (now + int(seconds * 1e6), suspicion, *ids),
        )
