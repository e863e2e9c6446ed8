"""Makes runs with the same order key wait for each other, so that they run one at a time in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable

from relay import queues
from relay.engine.database import statements

WAITING_REASON = "Waiting for an earlier run with the same key"


def send_back(claimed: Iterable[tuple[int, int, str | None]]) -> set[int]:
    """Return claimed runs that an earlier run with their key precedes to the queue, without a due time; their ids.

    `claimed`: (run id, flow id, order key). `advance` makes them due. To be called in the transaction of the claim.
    """
    early = set()
    first: dict[tuple[int, str], int] = {}
    for run_id, flow_id, key in claimed:
        if key is None:
            continue
        if (flow_id, key) not in first:
            first[flow_id, key] = _first_run(flow_id, key)
        if run_id != first[flow_id, key]:
            early.add(run_id)
    if early:
        statements.execute(
            "UPDATE relay_run SET state = 'queued', due_at = NULL, reason = %s"
            f" WHERE id IN ({statements.marks(len(early))}) AND state = 'running'",
            (WAITING_REASON, *early),
        )
    return early


def _first_run(flow_id: int, key: str) -> int:
    statement = "SELECT min(id) FROM relay_run WHERE flow_id = %s AND order_key = %s AND finished_at IS NULL"
    return int(statements.fetch_value(statement, (flow_id, key)) or 0)


def advance(ended: Iterable[tuple[int, str | None]]) -> None:
    """Make the next run of each (flow id, order key) due, after runs with these keys have ended."""
    for flow_id, key in {(flow_id, key) for flow_id, key in ended if key is not None}:
        _make_due(_first_run(flow_id, key or ""))


def _make_due(run_id: int) -> bool:
    statement = "UPDATE relay_run SET due_at = %s, reason = '' WHERE id = %s AND state = 'queued' AND due_at IS NULL"
    return bool(statements.execute(statement, (statements.now(), run_id)))


def tick() -> None:
    """Make the first run of every key due, in case a worker died before it called `advance`. Part of upkeep."""
    firsts = statements.fetch(
        "SELECT min(id) FROM relay_run WHERE order_key IS NOT NULL AND finished_at IS NULL GROUP BY flow_id, order_key"
    )
    made_due = sum(_make_due(run_id) for (run_id,) in firsts)
    if made_due:
        queues.wake_worker()
