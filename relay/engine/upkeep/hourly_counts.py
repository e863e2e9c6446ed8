"""Counts runs by flow, hour and state, from upkeep's table and from the runs that are not in it yet."""

from __future__ import annotations

from typing import NamedTuple

from relay import ids
from relay.engine.database import statements
from relay.engine.upkeep.search_index import HOUR_OF_IDS
from relay.models import Workspace
from relay.search import index_store

MAX_UNCOUNTED = 20_000  # newest runs that are counted one by one


def hour_at(micros: int) -> int:
    """The number of the hour of a moment in microseconds since 1970; runs of later hours have larger ids."""
    return ids.first_at(micros) // HOUR_OF_IDS


class HourCount(NamedTuple):
    """How many runs of a flow that started in an hour are in a state."""

    flow_id: int
    hour: int
    state: str
    runs: int


def counts(workspace: Workspace, *, since: int) -> list[HourCount]:
    """The counts from the hour `since` on; a flow, hour and state may occur twice."""
    store = index_store.store()
    first = since * HOUR_OF_IDS
    counted = (
        f"SELECT flow_id, hour, state, count FROM {store.hours_table}"
        " WHERE flow_id IN (SELECT id FROM relay_flow WHERE workspace_id = %s) AND hour >= %s"
    )
    unfinished = f"SELECT run_id FROM {store.later_table} WHERE run_id >= %s ORDER BY run_id DESC LIMIT %s"
    fresh = "SELECT id FROM relay_run WHERE workspace_id = %s AND id > %s ORDER BY id DESC LIMIT %s"
    after = max(store.progress(), first - 1)
    return [
        *statements.fetch_records(HourCount, counted, (workspace.pk, since)),
        *_grouped(workspace, unfinished, (first, MAX_UNCOUNTED)),
        *_grouped(workspace, fresh, (workspace.pk, after, MAX_UNCOUNTED)),
    ]


def _grouped(workspace: Workspace, which: str, parameters: tuple[int, ...]) -> list[HourCount]:
    statement = (
        "SELECT flow_id, id / %s, state, count(*) FROM relay_run"
        f" WHERE id IN ({which}) AND workspace_id = %s GROUP BY 1, 2, 3"
    )
    return statements.fetch_records(HourCount, statement, (HOUR_OF_IDS, *parameters, workspace.pk))
