"""Runs counted by flow, hour and state: by upkeep's table, and what that doesn't count yet by looking at it."""

from __future__ import annotations

from relay import ids
from relay.engine import sql
from relay.engine.indexing import HOUR_OF_IDS
from relay.models import Workspace, searchstore

UNCOUNTED = 20_000  # newest runs looked at


def hour_at(micros: int) -> int:
    """The number of the hour of a moment in microseconds since 1970; runs of later hours have larger ids."""
    return ids.first_at(micros) // HOUR_OF_IDS


def counts(workspace: Workspace, *, since: int) -> list[tuple[int, int, str, int]]:
    """(flow id, hour, state, runs) of the hours from `since` on; a flow's hour and state may come more than once."""
    store = searchstore.store()
    first = since * HOUR_OF_IDS
    counted = (
        f"SELECT flow_id, hour, state, count FROM {store.hours_table}"
        " WHERE flow_id IN (SELECT id FROM relay_flow WHERE workspace_id = %s) AND hour >= %s"
    )
    going = f"SELECT run_id FROM {store.later_table} WHERE run_id >= %s ORDER BY run_id DESC LIMIT %s"
    fresh = "SELECT id FROM relay_run WHERE workspace_id = %s AND id > %s ORDER BY id DESC LIMIT %s"
    after = max(store.progress(), first - 1)
    return [
        *sql.fetch(counted, (workspace.pk, since)),
        *_grouped(workspace, going, (first, UNCOUNTED)),
        *_grouped(workspace, fresh, (workspace.pk, after, UNCOUNTED)),
    ]


def _grouped(workspace: Workspace, which: str, parameters: tuple[int, ...]) -> list[tuple[int, int, str, int]]:
    statement = (
        "SELECT flow_id, id / %s, state, count(*) FROM relay_run"
        f" WHERE id IN ({which}) AND workspace_id = %s GROUP BY 1, 2, 3"
    )
    return sql.fetch(statement, (HOUR_OF_IDS, *parameters, workspace.pk))
