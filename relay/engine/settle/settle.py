"""Stores the outcomes of walks, many in one transaction; a run is updated only under the fence of its claim."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
import structlog
from django.db import InterfaceError, OperationalError
from msgspec.structs import astuple

from relay import ids, masking, redaction
from relay.engine.database import statements
from relay.engine.database.id_conflicts import retry_with_new_ids
from relay.engine.database.write_lock import write_transaction
from relay.engine.flow_control import circuit_breaker
from relay.engine.intake import ordering
from relay.engine.settle import caller_replies, connection_use, issue_counting, step_state
from relay.engine.walk import digests, trails
from relay.engine.walk.work_item import DeliveryAttempt, InboxPost, Outcome, WorkItem, failed_outcome

log = structlog.get_logger()


class _RunUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """New values of a row of `relay_run`; its id and fence say which row."""

    id: int
    fence: int
    state: str
    due_at: int | None
    tries: int
    reason: str
    title: str
    trail: str
    finished_at: int | None
    held_by: str
    destination_id: int | None
    marked_step: str
    marked_fence: int | None
    suspicion: int


class _AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `relay_attempt`."""

    id: int
    run_id: int
    step: str
    number: int
    state: str
    started_at: int
    duration_us: int
    request: str | None
    answer: str | None
    status: int | None
    error: str


class _MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `relay_inboxmessage`."""

    id: int
    workspace_id: int
    run_id: int
    channel: str
    title: str
    text: str
    created_at: int


# PostgreSQL can't infer the type of a column in VALUES that has only NULLs.
_CASTS = {
    "id": "bigint",
    "due_at": "bigint",
    "finished_at": "bigint",
    "destination_id": "bigint",
    "marked_fence": "integer",
    "suspicion": "integer",
}


def settle(outcomes: list[Outcome]) -> int:
    """Store the outcomes of claimed runs; return how many were stored.

    If the fence of a run has changed, because its lease ended and another worker claimed it, its outcome is discarded
    with its attempts and messages.
    """
    try:
        return retry_with_new_ids(lambda: _settle(outcomes)) if outcomes else 0
    except (OperationalError, InterfaceError):
        raise  # the database is away, locked or full: the worker keeps the outcomes until it is back
    except Exception:
        # An outcome that can't be stored must not block the others, nor return with every lease.
        if len(outcomes) > 1:
            return sum(settle([outcome]) for outcome in outcomes)
        log.exception("settle.refused", run=outcomes[0].work_item.run_id)
        return _settle([_failed_to_store(outcomes[0])])


def _failed_to_store(outcome: Outcome) -> Outcome:
    reason = "What this run brought can't be stored; the log says more. It may have been delivered."
    return failed_outcome(outcome.work_item, reason)


def _settle(outcomes: list[Outcome]) -> int:
    for outcome in outcomes:
        if outcome.refused_target is not None:
            outcome.destination_id = circuit_breaker.hold_refused(outcome.refused_target, outcome.reason)
        elif outcome.locked_target is not None:
            outcome.destination_id = circuit_breaker.hold_locked(outcome.locked_target, outcome.reason)
        elif outcome.failing_target is not None:
            outcome.destination_id = circuit_breaker.hold_failing(outcome.failing_target, outcome.reason)
    with write_transaction():
        if any(outcome.state_request for outcome in outcomes):
            step_state.answer(outcomes)
        ours = _update_runs(outcomes)
        kept = [outcome for outcome in outcomes if outcome.work_item.run_id in ours]
        _insert_attempts(kept)
        _insert_messages(kept)
        digests.delete_finished(kept)
        ordering.advance(
            (outcome.work_item.flow_id, outcome.work_item.order_key) for outcome in kept if outcome.is_final
        )
        issue_counting.record(kept, ours)
    if any(outcome.marked_step for outcome in kept):
        statements.flush()
    for outcome in kept:
        if outcome.probe_answered is not None and outcome.work_item.probe_of is not None:
            circuit_breaker.record_probe(outcome.work_item.probe_of, answered=outcome.probe_answered)
    caller_replies.send_replies(kept)
    connection_use.note(kept)
    if len(kept) < len(outcomes):
        log.warning("settle.late", runs=len(outcomes) - len(kept))
    return len(kept)


def _update_runs(outcomes: list[Outcome]) -> dict[int, int | None]:
    """Update the runs that still have our fence; the issue of each before, by run id."""
    now = statements.now()
    values: list[Any] = []
    for outcome in outcomes:
        values.extend(astuple(_run_update(outcome, now)))
    return dict(statements.fetch(_update(len(outcomes)), values))


@functools.lru_cache(maxsize=128)
def _update(count: int) -> str:
    columns = _RunUpdate.__struct_fields__
    sets = ", ".join(f"{column} = {_typed('v.' + column, column)}" for column in columns[2:])
    rows = ", ".join([f"({statements.marks(len(columns))})"] * count)
    return (
        f"WITH v ({', '.join(columns)}) AS (VALUES {rows}) UPDATE relay_run SET {sets} FROM v"
        f" WHERE relay_run.id = {_typed('v.id', 'id')} AND relay_run.fence = v.fence AND relay_run.state = 'running'"
        " RETURNING relay_run.id, relay_run.issue_id"
    )


def _typed(expression: str, column: str) -> str:
    return f"CAST({expression} AS {_CASTS[column]})" if column in _CASTS else expression


def _run_update(outcome: Outcome, now: int) -> _RunUpdate:
    return _RunUpdate(
        id=outcome.work_item.run_id,
        fence=outcome.work_item.fence,
        state=outcome.state,
        due_at=outcome.due_at,
        tries=outcome.tries,
        reason=masking.mask(redaction.clean(outcome.reason), outcome.hidden),
        title=masking.mask(redaction.clean(outcome.title), outcome.hidden),
        trail=masking.masked_json(trails.stored_trail(outcome), outcome.hidden),
        finished_at=now if outcome.is_final else None,
        held_by=outcome.held_by,
        destination_id=outcome.destination_id,
        marked_step=outcome.marked_step,
        marked_fence=outcome.marked_fence,
        suspicion=outcome.suspicion,
    )


def _insert_attempts(outcomes: list[Outcome]) -> None:
    rows = [_attempt_row(outcome.work_item.run_id, attempt) for outcome in outcomes for attempt in outcome.attempts]
    statements.insert_rows("relay_attempt", rows)


def _attempt_row(run_id: int, attempt: DeliveryAttempt) -> _AttemptRow:
    return _AttemptRow(
        id=ids.new(),
        run_id=run_id,
        step=attempt.step,
        number=attempt.number,
        state=attempt.state,
        started_at=attempt.started_at,
        duration_us=attempt.duration_us,
        request=attempt.request,
        answer=attempt.answer,
        status=attempt.status,
        error=redaction.clean(attempt.error),
    )


def _insert_messages(outcomes: list[Outcome]) -> None:
    now = statements.now()
    rows = [_message_row(outcome.work_item, post, now) for outcome in outcomes for post in outcome.posts]
    statements.insert_rows("relay_inboxmessage", rows)


def _message_row(work_item: WorkItem, post: InboxPost, now: int) -> _MessageRow:
    return _MessageRow(
        id=ids.new(),
        workspace_id=work_item.workspace_id,
        run_id=work_item.run_id,
        channel=post.channel,
        title=post.title,
        text=post.text,
        created_at=now,
    )
