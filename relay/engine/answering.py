"""Answers to what walks asked: each changes its step's state and its run in one transaction, or neither.

A step's state of one key is a row, locked until the commit; so of two workers one comes after the other. Before it
is looked at, the fence says whether the run is still ours: a worker that outlived its lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from relay import ids
from relay.engine import sql
from relay.engine.asks import Ask, differs
from relay.engine.errand import Outcome

_STATE = "FROM relay_stepstate WHERE flow_id = %s AND step = %s AND key = %s"


def answer(outcomes: Sequence[Outcome]) -> None:
    """Answer every ask among the outcomes, in place. Belongs into the transaction that settles them.

    It can be done again with the same outcomes, where that transaction came to nothing.
    """
    asking = [outcome for outcome in outcomes if outcome.ask is not None]
    ours = _still_ours(asking)
    answers = _Answers()
    # In one order everywhere, so that no two workers wait for each other.
    for outcome in sorted(asking, key=_order):
        if outcome.errand.run_id in ours:
            answers.give(outcome)


def _order(outcome: Outcome) -> tuple[int, str, str, int]:
    assert outcome.ask is not None
    return outcome.errand.flow_id, outcome.ask.step, outcome.ask.key, outcome.errand.run_id


def _still_ours(outcomes: Sequence[Outcome]) -> set[int]:
    lock = "" if sql.is_sqlite() else " ORDER BY id FOR UPDATE"
    fences = {outcome.errand.run_id: outcome.errand.fence for outcome in outcomes}
    statement = f"SELECT id, fence FROM relay_run WHERE id IN ({sql.marks(len(fences))}) AND state = 'running'{lock}"
    return {run_id for run_id, fence in sql.fetch(statement, list(fences)) if fences[run_id] == fence}


class _Answers:
    """The answers of one transaction. `leading`: runs that have begun to gather in it."""

    def __init__(self) -> None:
        self._now = sql.now()
        self._leading: dict[int, Outcome] = {}

    def give(self, outcome: Outcome) -> None:
        ask = outcome.ask
        assert ask is not None
        if ask.kind == "digest":
            self._gather(outcome, ask)
        elif ask.kind == "delay":
            self._outlast(outcome, ask)
        elif ask.kind == "once":
            _decide(outcome, ask, passes=self._is_first(outcome, ask), why="this key came before")
        else:
            _decide(outcome, ask, passes=self._has_changed(outcome, ask), why="the value has not changed")

    def _row(self, outcome: Outcome, ask: Ask, columns: str) -> tuple[Any, ...]:
        """The state of a step for a key, locked; made where there is none."""
        place = (outcome.errand.flow_id, ask.step, ask.key)
        sql.execute(
            "INSERT INTO relay_stepstate (flow_id, step, key, source, count, touched_at)"
            " VALUES (%s, %s, %s, '', 0, %s) ON CONFLICT (flow_id, step, key) DO NOTHING",
            (*place, self._now),
        )
        lock = "" if sql.is_sqlite() else " FOR UPDATE"
        return sql.fetch(f"SELECT id, {columns} {_STATE}{lock}", place)[0]

    def _is_first(self, outcome: Outcome, ask: Ask) -> bool:
        """Whether a key is new; an event that came first stays first when it is replayed."""
        number, source, until = self._row(outcome, ask, "source, until")
        mine = _source(outcome, ask)
        if source not in ("", mine) and (until is None or until > self._now):
            return False
        if source != mine or (until is not None and until <= self._now):
            sql.execute(
                "UPDATE relay_stepstate SET source = %s, until = %s, touched_at = %s WHERE id = %s",
                (mine, ask.until, self._now, number),
            )
        return True

    def _has_changed(self, outcome: Outcome, ask: Ask) -> bool:
        """Whether the value differs from the last one that went on; that one's own event goes on again."""
        number, value, source = self._row(outcome, ask, "value, source")
        mine = _source(outcome, ask)
        last, new = msgspec.json.decode(value) if value else None, msgspec.json.decode(ask.value)
        if source and source != mine and not differs(last, new, ask.deadband):
            return False
        sql.execute(
            "UPDATE relay_stepstate SET value = %s, source = %s, touched_at = %s WHERE id = %s",
            (ask.value, mine, self._now, number),
        )
        return True

    def _outlast(self, outcome: Outcome, ask: Ask) -> None:
        """Be the last of a key that waits; or, at the end of the wait, go on where that is still so."""
        number, source = self._row(outcome, ask, "source")
        mine = f"{ids.text(outcome.errand.run_id)} {ask.entry}"
        if ask.until is None:
            why = "another run has come with the same key"
            _decide(outcome, ask, passes=source in ("", mine), why=why, passed="waited")
        else:
            sql.execute(
                "UPDATE relay_stepstate SET source = %s, touched_at = %s WHERE id = %s", (mine, self._now, number)
            )

    # Digests

    def _gather(self, outcome: Outcome, ask: Ask) -> None:
        number, leader, until, count = self._row(outcome, ask, "run_id, until, count")
        if leader is None or until <= self._now or not self._gathers(leader):
            leader, until, count = outcome.errand.run_id, ask.until, 0
            self._leading[leader] = outcome
            _wait(outcome, ask)
        else:
            _join(outcome, ask, leader)
        sql.insert("relay_gathered", ("into_id", "run_id", "item"), [(leader, outcome.errand.run_id, ask.value)])
        is_full = count + 1 >= ask.limit
        if is_full:
            self._close(leader)
        sql.execute(
            "UPDATE relay_stepstate SET run_id = %s, until = %s, count = %s, touched_at = %s WHERE id = %s",
            (None if is_full else leader, until, count + 1, self._now, number),
        )

    def _gathers(self, leader: int) -> bool:
        """Whether the run that gathers still waits; a lock keeps it so until this is committed."""
        lock = "" if sql.is_sqlite() else " FOR UPDATE"
        if leader in self._leading:
            return True
        return bool(sql.fetch(f"SELECT 1 FROM relay_run WHERE id = %s AND state = 'waiting'{lock}", (leader,)))

    def _close(self, leader: int) -> None:
        """Let the run that gathers go on now."""
        if leader in self._leading:
            self._leading[leader].due_at = self._now
        else:
            sql.execute("UPDATE relay_run SET due_at = %s WHERE id = %s AND state = 'waiting'", (self._now, leader))


def _source(outcome: Outcome, ask: Ask) -> str:
    return f"{ids.text(outcome.errand.event.id)} {ask.entry}"


def _decide(outcome: Outcome, ask: Ask, *, passes: bool, why: str, passed: str = "passed") -> None:
    _enter(outcome, ask, passed if passes else "filtered")
    if not passes and not ask.is_in_loop:
        outcome.state, outcome.due_at = "filtered", None
        outcome.reason = f"Stopped at “{ask.name}”: {why}"


def _wait(outcome: Outcome, ask: Ask) -> None:
    run = ids.text(outcome.errand.run_id)
    _enter(outcome, ask, "waiting", into=run, **({"since": ask.since} if ask.since is not None else {}))
    outcome.state, outcome.due_at = "waiting", ask.until
    outcome.reason = f"Gathers at “{ask.name}” until {ask.until_told}"


def _join(outcome: Outcome, ask: Ask, leader: int) -> None:
    run = ids.text(leader)
    _enter(outcome, ask, "joined", into=run)
    outcome.state, outcome.due_at = "succeeded", None
    outcome.reason = f"Gathered at “{ask.name}”: run {run} goes on with it"


def _enter(outcome: Outcome, ask: Ask, state: str, **more: Any) -> None:
    # Anew each time: the transaction may have to be done again.
    base = [entry for entry in outcome.trail if entry["id"] != ask.entry]
    former = next((entry for entry in outcome.trail if entry["id"] == ask.entry), {})
    kept = {"outputs": former["outputs"]} if "outputs" in former else {}
    outcome.trail = [*base, {"id": ask.entry, "kind": ask.kind, "state": state, **kept, **more}]
    outcome.state, outcome.reason = "queued", ""
