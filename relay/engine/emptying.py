"""Emptying: flows that store no bodies keep them only until a run has succeeded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
from django.db import connection, transaction

from relay import ids
from relay.engine import indexing, sql
from relay.engine.pace import Pace, light
from relay.models.ledger import RunState

# Seconds until an event is looked at: a commit may bring events with smaller ids than those of the one before.
SETTLED = 30.0
MOST_WAITING = 10_000  # events of a flow that are remembered because they could not be emptied yet
ATTEMPTS = 20  # of one transaction; each may have half a megabyte

_DONE = {RunState.SUCCEEDED, RunState.FILTERED}
_FINAL = {*_DONE, RunState.FAILED, RunState.PARTLY_FAILED, RunState.CANCELLED}


class Emptier:
    """Empties bodies of events and attempts; remembers how far it is for as long as its process lives.

    A process that starts looks at all events of such flows once. What failed keeps its bodies, so that it can be
    replayed, until a run of the event succeeds. Titles, and the outputs of steps that set values, are kept.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._marks: dict[int, int] = {}
        self._waiting: dict[int, set[int]] = {}

    def empty(self, flow_id: int) -> Iterator[int]:
        """Empty what can be of a flow: a transaction a step, which yields the number of rows changed."""
        waiting = sorted(self._waiting.pop(flow_id, ()))
        for start in range(0, len(waiting), self._pace.rows):
            yield from self._ripe(flow_id, waiting[start : start + self._pace.rows])
        before = ids.first_at(sql.now() - int(SETTLED * 1e6))
        while found := sql.fetch(
            "SELECT id FROM relay_event WHERE flow_id = %s AND id > %s AND id < %s ORDER BY id LIMIT %s",
            (flow_id, self._marks.get(flow_id, 0), before, self._pace.rows),
        ):
            self._marks[flow_id] = found[-1][0]
            yield from self._ripe(flow_id, [row[0] for row in found])
        self._bound(flow_id)

    def _bound(self, flow_id: int) -> None:
        waiting = self._waiting.get(flow_id, set())
        if len(waiting) > MOST_WAITING:
            self._marks[flow_id] = min(waiting) - 1
            waiting.clear()

    def _ripe(self, flow_id: int, events: list[int]) -> Iterator[int]:
        runs: dict[int, list[tuple[int, str]]] = {}
        for event, run, state in sql.fetch(
            f"SELECT event_id, id, state FROM relay_run WHERE event_id IN ({sql.marks(len(events))})", events
        ):
            runs.setdefault(event, []).append((run, state))
        ripe = [event for event in runs if _is_ripe({state for _, state in runs[event]})]
        self._waiting.setdefault(flow_id, set()).update(runs.keys() - set(ripe))
        emptied, changed = [run for event in ripe for run, _ in runs[event]], 0
        # Events last, so that an emptied one has nothing left to be emptied.
        for step in itertools.chain(self._attempts(emptied), self._events(ripe)):
            changed += step
            yield step
        if changed:
            # Nor are the words of bodies kept.
            indexing.renew(emptied)

    def _attempts(self, runs: list[int]) -> Iterator[int]:
        if not runs:
            return
        found = sql.fetch(f"SELECT id FROM relay_attempt WHERE run_id IN ({sql.marks(len(runs))})", runs)
        for start in range(0, len(found), ATTEMPTS):
            numbers = [row[0] for row in found[start : start + ATTEMPTS]]
            rows = sql.fetch(
                f"SELECT request, answer, id FROM relay_attempt WHERE id IN ({sql.marks(len(numbers))})", numbers
            )
            emptied = [row for row in map(_emptied, rows) if row is not None]
            yield self._pace.timed(_write, emptied) if emptied else 0

    def _events(self, events: list[int]) -> Iterator[int]:
        left = events
        while left:
            marks = sql.marks(len(left))
            statement = f"SELECT id, length(body) FROM relay_event WHERE id IN ({marks}) AND length(body) > 0"
            found = light(sql.fetch(statement, left))
            if not found:
                return
            yield self._pace.timed(_empty_events, found)
            left = [event for event in left if event not in set(found)]


def _is_ripe(states: set[str]) -> bool:
    return states <= _FINAL and bool(states & _DONE)


def _emptied(row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Request, answer and id without bodies; None where there is nothing to change."""
    request, answer, number = row
    without = (_without_body(request), _without_body(answer))
    return None if without == (request, answer) else (*without, number)


def _without_body(record: str | None) -> str | None:
    values = msgspec.json.decode(record) if record is not None else None
    if not isinstance(values, dict) or not values.get("body"):
        return record
    return msgspec.json.encode({**values, "body": ""}).decode()


def _write(rows: list[tuple[Any, ...]]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany("UPDATE relay_attempt SET request = %s, answer = %s WHERE id = %s", rows)
    return len(rows)


def _empty_events(events: list[int]) -> int:
    return sql.execute(f"UPDATE relay_event SET body = %s WHERE id IN ({sql.marks(len(events))})", (b"", *events))
