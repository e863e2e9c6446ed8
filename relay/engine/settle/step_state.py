"""Answers state requests: the step's state and the run change in one transaction, or neither does.

The state of a step for one key is a row that stays locked until the commit, so two workers change it one after the
other. The fence is checked first: a worker whose lease has ended changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from relay import ids
from relay.engine.database import statements
from relay.engine.walk import digests
from relay.engine.walk.state_requests import StateRequest, differs
from relay.engine.walk.work_item import Outcome
from relay.templating import text_bytes

_STATE = "FROM relay_stepstate WHERE flow_id = %s AND step = %s AND key = %s"


def answer(outcomes: Sequence[Outcome]) -> None:
    """Answer every state request by changing its outcome. Call it in the transaction that settles the outcomes.

    It can be called again with the same outcomes if that transaction is rolled back.
    """
    requesting = [outcome for outcome in outcomes if outcome.state_request is not None]
    ours = _still_ours(requesting)
    answerer = _Answerer()
    # All workers lock in the same order, so that no two wait for each other.
    for outcome in sorted(requesting, key=_order):
        if outcome.work_item.run_id in ours:
            answerer.answer(outcome)


def _order(outcome: Outcome) -> tuple[int, str, str, int]:
    assert outcome.state_request is not None
    return outcome.work_item.flow_id, outcome.state_request.step, outcome.state_request.key, outcome.work_item.run_id


def _still_ours(outcomes: Sequence[Outcome]) -> set[int]:
    lock = "" if statements.is_sqlite() else " ORDER BY id FOR UPDATE"
    fences = {outcome.work_item.run_id: outcome.work_item.fence for outcome in outcomes}
    statement = (
        f"SELECT id, fence FROM relay_run WHERE id IN ({statements.marks(len(fences))}) AND state = 'running'{lock}"
    )
    return {run_id for run_id, fence in statements.fetch(statement, list(fences)) if fences[run_id] == fence}


class _Answerer:
    """Answers the requests of one transaction. `_leading`: outcomes that started a digest in it, by run id."""

    def __init__(self) -> None:
        self._now = statements.now()
        self._leading: dict[int, Outcome] = {}

    def answer(self, outcome: Outcome) -> None:
        request = outcome.state_request
        assert request is not None
        if request.kind == "digest":
            self._gather(outcome, request)
        elif request.kind == "delay":
            self._outlast(outcome, request)
        elif request.kind == "once":
            _decide(
                outcome, request, passes=self._is_first(outcome, request), now=self._now, why="this key came before"
            )
        else:
            _decide(
                outcome,
                request,
                passes=self._has_changed(outcome, request),
                now=self._now,
                why="the value has not changed",
            )

    def _row(self, outcome: Outcome, request: StateRequest, columns: str) -> tuple[Any, ...]:
        """Columns of the state of a step for a key, with its id first; the row is created if needed, and locked."""
        row_key = (outcome.work_item.flow_id, request.step, request.key)
        statements.execute(
            "INSERT INTO relay_stepstate (flow_id, step, key, source, count, touched_at)"
            " VALUES (%s, %s, %s, '', 0, %s) ON CONFLICT (flow_id, step, key) DO NOTHING",
            (*row_key, self._now),
        )
        lock = "" if statements.is_sqlite() else " FOR UPDATE"
        return statements.fetch(f"SELECT id, {columns} {_STATE}{lock}", row_key)[0]

    def _is_first(self, outcome: Outcome, request: StateRequest) -> bool:
        """Whether a key is new; the first event with a key stays the first when it is replayed."""
        state_id, source, until = self._row(outcome, request, "source, until")
        mine = _source(outcome, request)
        if source not in ("", mine) and (until is None or until > self._now):
            return False
        if source != mine or (until is not None and until <= self._now):
            statements.execute(
                "UPDATE relay_stepstate SET source = %s, until = %s, touched_at = %s WHERE id = %s",
                (mine, request.until, self._now, state_id),
            )
        return True

    def _has_changed(self, outcome: Outcome, request: StateRequest) -> bool:
        """Whether the value differs from the last one that passed; a replay of that event passes again."""
        state_id, value, source = self._row(outcome, request, "value, source")
        mine = _source(outcome, request)
        last, new = msgspec.json.decode(value) if value else None, msgspec.json.decode(request.value)
        if source and source != mine and not differs(last, new, request.deadband):
            return False
        statements.execute(
            "UPDATE relay_stepstate SET value = %s, source = %s, touched_at = %s WHERE id = %s",
            (request.value, mine, self._now, state_id),
        )
        return True

    def _outlast(self, outcome: Outcome, request: StateRequest) -> None:
        """Record the run as the last one that waits with its key; after the wait, let it continue if it still is."""
        state_id, source = self._row(outcome, request, "source")
        mine = f"{ids.text(outcome.work_item.run_id)} {request.entry}"
        if request.until is None:
            why = "another run has come with the same key"
            _decide(outcome, request, passes=source in ("", mine), now=self._now, why=why, passed="waited")
        else:
            statements.execute(
                "UPDATE relay_stepstate SET source = %s, touched_at = %s WHERE id = %s", (mine, self._now, state_id)
            )

    # Digests

    def _gather(self, outcome: Outcome, request: StateRequest) -> None:
        state_id, leader, until, count, size = self._row(outcome, request, "run_id, until, count, COALESCE(size, 0)")
        size += text_bytes(request.value)
        gathers = leader is not None and until > self._now and self._gathers(leader)
        if gathers and size > digests.MAX_GATHERED_BYTES:
            # The item doesn't fit: end this digest now, and start another with the item.
            self._close(leader)
            gathers = False
        if gathers:
            _join(outcome, request, leader)
        else:
            leader, until, count, size = outcome.work_item.run_id, request.until, 0, text_bytes(request.value)
            self._leading[leader] = outcome
            _wait(outcome, request)
        statements.insert(
            "relay_gathered", ("into_id", "run_id", "item"), [(leader, outcome.work_item.run_id, request.value)]
        )
        is_full = count + 1 >= request.limit
        if is_full:
            self._close(leader)
        statements.execute(
            "UPDATE relay_stepstate SET run_id = %s, until = %s, count = %s, size = %s, touched_at = %s WHERE id = %s",
            (None if is_full else leader, until, count + 1, size, self._now, state_id),
        )

    def _gathers(self, leader: int) -> bool:
        """Whether the run that gathers still waits; a lock keeps it waiting until this transaction commits."""
        lock = "" if statements.is_sqlite() else " FOR UPDATE"
        if leader in self._leading:
            return True
        return bool(statements.fetch(f"SELECT 1 FROM relay_run WHERE id = %s AND state = 'waiting'{lock}", (leader,)))

    def _close(self, leader: int) -> None:
        """Make the run that gathers due now."""
        if leader in self._leading:
            self._leading[leader].make_due(self._now)
        else:
            statements.execute(
                "UPDATE relay_run SET due_at = %s WHERE id = %s AND state = 'waiting'", (self._now, leader)
            )


def _source(outcome: Outcome, request: StateRequest) -> str:
    return f"{ids.text(outcome.work_item.event.id)} {request.entry}"


def _decide(
    outcome: Outcome, request: StateRequest, *, passes: bool, now: int, why: str, passed: str = "passed"
) -> None:
    if passes or request.is_in_loop:
        outcome.resolve(passed if passes else "filtered", due_at=now)
    else:
        reason = f"Stopped at “{request.name}”: {why}"
        outcome.resolve("filtered", state="filtered", due_at=None, reason=reason)


def _wait(outcome: Outcome, request: StateRequest) -> None:
    reason = f"Gathers at “{request.name}” until {request.until_text}"
    into = ids.text(outcome.work_item.run_id)
    outcome.resolve("waiting", state="waiting", due_at=request.until, reason=reason, into=into, since=request.since)


def _join(outcome: Outcome, request: StateRequest, leader: int) -> None:
    run = ids.text(leader)
    reason = f"Gathered at “{request.name}”: run {run} continues with it"
    outcome.resolve("joined", state="succeeded", due_at=None, reason=reason, into=run)
