"""Answers of runs to callers that wait: told when a run is settled, and found in the ledger by who heard nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from relay import queues, redaction
from relay.engine import sql
from relay.engine.errand import Outcome

ROWS = 500  # of one statement


class Reply(msgspec.Struct, frozen=True):
    """What became of an event as far as its caller goes. `response`: status, headers and body that a step rendered.

    `state`: of the run, where it ended without one.
    """

    event: int
    state: str
    response: dict[str, Any] | None = None


def tell(outcomes: Iterable[Outcome]) -> None:
    """Tell those that wait for settled runs; nothing where nobody can."""
    messages = [_message(one) for one in outcomes if one.errand.plan.waits and (one.response or one.is_final)]
    if messages:
        queues.tell(messages)


def _message(outcome: Outcome) -> bytes:
    response = outcome.response or _responded(outcome.trail)
    reply = {"event": outcome.errand.event.id, "state": outcome.state, "response": response}
    return redaction.masked_json(reply, outcome.secrets).encode()


def read(message: bytes) -> Reply:
    return msgspec.json.decode(message, type=Reply)


def _responded(trail: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The last answer in a trail."""
    return next((entry.get("outputs") for entry in reversed(trail) if entry.get("state") == "responded"), None)


def find(events: Sequence[int]) -> list[Reply]:
    """The replies that the ledger has for these events, of those that have one."""
    found: dict[int, Reply] = {}
    for start in range(0, len(events), ROWS):
        part = events[start : start + ROWS]
        rows = sql.fetch(
            "SELECT event_id, state, finished_at, trail FROM relay_run"
            f" WHERE event_id IN ({sql.marks(len(part))}) AND replay_of_id IS NULL AND trail IS NOT NULL ORDER BY id",
            part,
        )
        for event, state, finished_at, trail in rows:
            response = _responded(msgspec.json.decode(trail)) if '"responded"' in trail else None
            if (response or finished_at) and event not in found:
                found[event] = Reply(event, state, response)
    return list(found.values())
