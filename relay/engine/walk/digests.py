"""Loads the items that digests have gathered, and deletes them when no run needs them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from relay import ids
from relay.bodies import numerals
from relay.engine.database import statements
from relay.engine.database.write_lock import write_transaction
from relay.engine.walk.work_item import Outcome, WorkItem

# Bytes of items that one run continues with; further items start the next digest.
MAX_GATHERED_BYTES = 4 * 1024 * 1024
# For runs that gathered before there was a limit.
TOO_MUCH = (
    f"It gathered more than {2 * MAX_GATHERED_BYTES >> 20} MiB, which is more than one run can continue with. "
    "Replay the runs that were gathered, from the start"
)


def with_items(work_items: list[WorkItem]) -> list[WorkItem]:
    """The work items with their gathered items; from now on their digests gather nothing more."""
    return [
        _with_items(work_item) if work_item.plan.gathers and work_item.trail else work_item for work_item in work_items
    ]


def _with_items(work_item: WorkItem) -> WorkItem:
    gathered: dict[str, list[Any]] = {}
    if work_item.unwalkable:
        return work_item
    for entry in work_item.trail:
        if entry.kind == "digest" and entry.state in ("waiting", "gathered"):
            into = ids.number(entry.into) or work_item.run_id
            if gathered_sizes([into]).get(into, 0) > 2 * MAX_GATHERED_BYTES:
                return replace(work_item, unwalkable=TOO_MUCH)
            if entry.state == "waiting":
                _close(work_item.run_id)
            gathered[entry.id] = _items(into)
    return replace(work_item, gathered=gathered) if gathered else work_item


def gathered_sizes(run_ids: list[int]) -> dict[int, int]:
    """The characters of gathered items by run id."""
    statement = "SELECT into_id, sum(length(item)) FROM relay_gathered WHERE into_id IN"
    return dict(statements.fetch(f"{statement} ({statements.marks(len(run_ids))}) GROUP BY into_id", run_ids))


def _close(run_id: int) -> None:
    with write_transaction():
        statements.execute("UPDATE relay_stepstate SET run_id = NULL WHERE run_id = %s", (run_id,))


def _items(run_id: int) -> list[Any]:
    rows = statements.fetch("SELECT item FROM relay_gathered WHERE into_id = %s ORDER BY id", (run_id,))
    return [numerals.decode(item) for (item,) in rows]


def delete_finished(outcomes: list[Outcome]) -> None:
    """Delete the gathered items of succeeded runs; failed runs keep them, so that they can be replayed."""
    done = [
        ids.number(entry.into)
        for outcome in outcomes
        if outcome.work_item.plan.gathers and outcome.state == "succeeded"
        for entry in outcome.trail
        if entry.kind == "digest" and entry.state == "gathered"
    ]
    if done:
        statements.execute(f"DELETE FROM relay_gathered WHERE into_id IN ({statements.marks(len(done))})", done)
