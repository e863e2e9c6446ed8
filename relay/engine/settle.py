"""Settle: outcomes become rows, many in one transaction, and only under the fence they were claimed with."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from relay import ids, redaction
from relay.engine import answering, answers, destinations, gathering, grouping, order, sql, trails
from relay.engine.collisions import with_other_ids
from relay.engine.errand import Outcome
from relay.engine.turns import writing

log = structlog.get_logger()

_RUN = (
    "id",
    "fence",
    "state",
    "due_at",
    "tries",
    "reason",
    "title",
    "trail",
    "finished_at",
    "held_by",
    "destination_id",
    "marked_step",
    "marked_fence",
)
_ATTEMPT = (
    "id",
    "run_id",
    "step",
    "number",
    "state",
    "started_at",
    "duration_us",
    "request",
    "answer",
    "status",
    "error",
)
_MESSAGE = ("id", "workspace_id", "run_id", "channel", "title", "text", "created_at")
# PostgreSQL can't tell the type of a column of NULLs in VALUES.
_CASTS = {
    "id": "bigint",
    "due_at": "bigint",
    "finished_at": "bigint",
    "destination_id": "bigint",
    "marked_fence": "integer",
}


def settle(outcomes: list[Outcome]) -> int:
    """Store what became of claimed runs; the number settled.

    A run whose fence has moved on (its lease ended and another worker took it) is left as it is, with its
    attempts and messages: a late result changes nothing.
    """
    try:
        return with_other_ids(lambda: _settle(outcomes)) if outcomes else 0
    except (OperationalError, InterfaceError):
        raise  # the database is away, locked or full: all is kept until it is back
    except Exception:
        # Left alone, what can't be stored would keep the others from it, and come again with every lease.
        if len(outcomes) > 1:
            return sum(settle([outcome]) for outcome in outcomes)
        log.exception("settle.refused", run=outcomes[0].errand.run_id)
        return _settle([_without_what_was_refused(outcomes[0])])


def _without_what_was_refused(outcome: Outcome) -> Outcome:
    reason = "What this run brought can't be stored; the log says more. It may have been delivered."
    return Outcome(outcome.errand, state="failed", reason=reason, trail=list(outcome.errand.trail))


def _settle(outcomes: list[Outcome]) -> int:
    for outcome in outcomes:
        if outcome.refused is not None:
            outcome.destination_id = destinations.refuse(outcome.refused, outcome.reason)
        elif outcome.locked is not None:
            outcome.destination_id = destinations.lock(outcome.locked, outcome.reason)
    with writing():
        if any(outcome.ask for outcome in outcomes):
            answering.answer(outcomes)
        ours = _update_runs(outcomes)
        kept = [outcome for outcome in outcomes if outcome.errand.run_id in ours]
        _insert_attempts(kept)
        _insert_messages(kept)
        gathering.forget(kept)
        order.advance((outcome.errand.flow_id, outcome.errand.order_key) for outcome in kept if outcome.is_final)
        grouping.record(kept, ours)
    if any(outcome.marked_step for outcome in kept):
        sql.flush()
    for outcome in kept:
        if outcome.probe_answered is not None and outcome.errand.probe_of is not None:
            destinations.probed(outcome.errand.probe_of, answered=outcome.probe_answered)
    answers.tell(kept)
    if len(kept) < len(outcomes):
        log.warning("settle.late", runs=len(outcomes) - len(kept))
    return len(kept)


def _update_runs(outcomes: list[Outcome]) -> dict[int, int | None]:
    """Those that were ours still, each with the issue that it was counted in before."""
    now = sql.now()
    values: list[Any] = []
    for outcome in outcomes:
        values.extend(_run_row(outcome, now))
    sets = ", ".join(f"{column} = {_typed('v.' + column, column)}" for column in _RUN[2:])
    rows = ", ".join([f"({sql.marks(len(_RUN))})"] * len(outcomes))
    statement = (
        f"WITH v ({', '.join(_RUN)}) AS (VALUES {rows}) UPDATE relay_run SET {sets} FROM v"
        f" WHERE relay_run.id = {_typed('v.id', 'id')} AND relay_run.fence = v.fence AND relay_run.state = 'running'"
        " RETURNING relay_run.id, relay_run.issue_id"
    )
    return {row[0]: row[1] for row in sql.fetch(statement, values)}


def _typed(expression: str, column: str) -> str:
    return f"CAST({expression} AS {_CASTS[column]})" if column in _CASTS else expression


def _run_row(outcome: Outcome, now: int) -> tuple[Any, ...]:
    return (
        outcome.errand.run_id,
        outcome.errand.fence,
        outcome.state,
        outcome.due_at,
        outcome.tries,
        redaction.clean(outcome.reason),
        redaction.clean(outcome.title),
        redaction.masked_json(trails.stored(outcome), outcome.secrets),
        now if outcome.is_final else None,
        outcome.held_by,
        outcome.destination_id,
        outcome.marked_step,
        outcome.marked_fence,
    )


def _insert_attempts(outcomes: list[Outcome]) -> None:
    rows = [
        (
            ids.new(),
            outcome.errand.run_id,
            tried.step,
            tried.number,
            tried.state,
            tried.started_at,
            tried.duration_us,
            tried.request,
            tried.answer,
            tried.status,
            redaction.clean(tried.error),
        )
        for outcome in outcomes
        for tried in outcome.attempts
    ]
    if rows:
        sql.insert("relay_attempt", _ATTEMPT, rows)


def _insert_messages(outcomes: list[Outcome]) -> None:
    now = sql.now()
    rows = [
        (ids.new(), outcome.errand.workspace_id, outcome.errand.run_id, post.channel, post.title, post.text, now)
        for outcome in outcomes
        for post in outcome.posts
    ]
    if rows:
        sql.insert("relay_inboxmessage", _MESSAGE, rows)
