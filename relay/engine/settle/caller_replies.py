"""Sends the replies of settled runs to waiting callers, and finds them in the ledger if a message was lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from relay import masking, queues
from relay.engine.database import statements
from relay.engine.walk import trail_entry
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import Outcome
from relay.flows.checks.answers import RenderedAnswer, is_status

ROWS_PER_STATEMENT = 500


class CallerReply(msgspec.Struct, frozen=True):
    """The reply to the caller of an event. `response`: status, headers and body that a respond step rendered.

    `state`: the state of the run, which is the reply if there is no response.
    """

    event: int
    state: str
    response: RenderedAnswer | None = None


class _RepliedRun(NamedTuple):
    """A run of an event whose caller may wait; `trail` is JSON."""

    event_id: int
    state: str
    finished_at: int | None
    trail: str


def send_replies(outcomes: Iterable[Outcome]) -> None:
    """Send the replies of outcomes for which a caller may wait."""
    messages = [
        _message(outcome)
        for outcome in outcomes
        if outcome.work_item.plan.waits and (outcome.response or outcome.is_final)
    ]
    if messages:
        queues.publish(messages)


def _message(outcome: Outcome) -> bytes:
    response = outcome.response or _responded(outcome.trail)
    reply = {"event": outcome.work_item.event.id, "state": outcome.state, "response": response}
    return masking.masked_json(reply, outcome.hidden).encode()


def read(message: bytes) -> CallerReply | None:
    """Decode the reply of a message; None if it is malformed or has a status that no flow may answer.

    Headers are checked when they are sent, like those of all answers.
    """
    try:
        reply = msgspec.json.decode(message, type=CallerReply)
    except msgspec.DecodeError:
        return None
    return None if reply.response is not None and not is_status(reply.response["status"]) else reply


def _responded(trail: Sequence[TrailEntry]) -> Any:
    """The last response in a trail, or None."""
    return next((entry.outputs for entry in reversed(trail) if entry.state == "responded"), None)


def find(events: Sequence[int]) -> list[CallerReply]:
    """Read the replies of these events from the ledger; events without a reply yet are left out."""
    replies: dict[int, CallerReply] = {}
    for start in range(0, len(events), ROWS_PER_STATEMENT):
        part = events[start : start + ROWS_PER_STATEMENT]
        runs = statements.fetch_records(
            _RepliedRun,
            f"SELECT {', '.join(_RepliedRun._fields)} FROM relay_run"
            f" WHERE event_id IN ({statements.marks(len(part))}) AND replay_of_id IS NULL AND trail IS NOT NULL"
            " ORDER BY id",
            part,
        )
        for run in runs:
            response = _responded(trail_entry.decode(run.trail)) if '"responded"' in run.trail else None
            if (response or run.finished_at) and run.event_id not in replies:
                replies[run.event_id] = CallerReply(run.event_id, run.state, response)
    return list(replies.values())
