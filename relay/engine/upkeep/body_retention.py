"""Removes the bodies of events and attempts, once a run has succeeded, for flows that don't store bodies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from django.db import connection, transaction

from relay import ids
from relay.engine.database import statements
from relay.engine.files import file_store
from relay.engine.upkeep import search_index
from relay.engine.upkeep.batch_size import BatchSize, within_byte_limit
from relay.models.events_and_runs import RunState

# Seconds after which an event is examined: a later commit may add events with smaller ids.
SETTLE_SECONDS = 30.0
MAX_PENDING = 10_000  # events per flow that are remembered because they can't be emptied yet
BATCH_ATTEMPTS = 20  # in one transaction; each may have half a megabyte

_DONE = {RunState.SUCCEEDED, RunState.FILTERED}
_FINAL = {*_DONE, RunState.FAILED, RunState.PARTLY_FAILED, RunState.CANCELLED}


class BodyRemover:
    """Empties the bodies of events and attempts; remembers its position while its process lives.

    A new process examines all events of such flows once. An event that failed keeps its body, so that it can be
    replayed, until one of its runs succeeds. Titles, and the outputs of steps that set values, are kept.
    """

    def __init__(self, batch_size: BatchSize) -> None:
        self._batch_size = batch_size
        self._positions: dict[int, int] = {}
        self._pending: dict[int, set[int]] = {}

    def empty(self, flow_id: int) -> Iterator[int]:
        """Empty the bodies of a flow as far as possible; yield the number of rows changed after each transaction."""
        pending = sorted(self._pending.pop(flow_id, ()))
        for start in range(0, len(pending), self._batch_size.rows):
            yield from self._empty_events(flow_id, pending[start : start + self._batch_size.rows])
        before = ids.first_at(statements.now() - int(SETTLE_SECONDS * 1e6))
        while events := statements.fetch_values(
            "SELECT id FROM relay_event WHERE flow_id = %s AND id > %s AND id < %s ORDER BY id LIMIT %s",
            (flow_id, self._positions.get(flow_id, 0), before, self._batch_size.rows),
        ):
            self._positions[flow_id] = events[-1]
            yield from self._empty_events(flow_id, events)
        self._limit_pending(flow_id)

    def _limit_pending(self, flow_id: int) -> None:
        pending = self._pending.get(flow_id, set())
        if len(pending) > MAX_PENDING:
            self._positions[flow_id] = min(pending) - 1
            pending.clear()

    def _empty_events(self, flow_id: int, events: list[int]) -> Iterator[int]:
        runs: dict[int, list[tuple[int, str]]] = {}
        for event, run, state in statements.fetch(
            f"SELECT event_id, id, state FROM relay_run WHERE event_id IN ({statements.marks(len(events))})", events
        ):
            runs.setdefault(event, []).append((run, state))
        ready = [event for event in runs if _is_ready({state for _, state in runs[event]})]
        self._pending.setdefault(flow_id, set()).update(runs.keys() - set(ready))
        run_ids, changed = [run for event in ready for run, _ in runs[event]], 0
        # Events last: an empty event then means that its attempts are empty, too.
        for count in itertools.chain(self._attempts(run_ids), remove_files(ready, run_ids), self._events(ready)):
            changed += count
            yield count
        if changed:
            # The search index must not keep the words of the bodies either.
            search_index.reindex(run_ids)

    def _attempts(self, runs: list[int]) -> Iterator[int]:
        if not runs:
            return
        statement = f"SELECT id FROM relay_attempt WHERE run_id IN ({statements.marks(len(runs))})"
        all_ids = statements.fetch_values(statement, runs)
        for start in range(0, len(all_ids), BATCH_ATTEMPTS):
            attempt_ids = all_ids[start : start + BATCH_ATTEMPTS]
            attempts = statements.fetch(
                f"SELECT request, answer, id FROM relay_attempt WHERE id IN ({statements.marks(len(attempt_ids))})",
                attempt_ids,
            )
            emptied = [row for row in map(_emptied, attempts) if row is not None]
            yield self._batch_size.run(_write, emptied) if emptied else 0

    def _events(self, events: list[int]) -> Iterator[int]:
        remaining = events
        while remaining:
            marks = statements.marks(len(remaining))
            statement = f"SELECT id, length(body) FROM relay_event WHERE id IN ({marks}) AND length(body) > 0"
            batch = within_byte_limit(statements.fetch(statement, remaining))
            if not batch:
                return
            yield self._batch_size.run(_remove_event_bodies, batch)
            remaining = [event for event in remaining if event not in set(batch)]


def remove_files(events: Sequence[int], runs: Sequence[int]) -> Iterator[int]:
    """Remove the files of events and runs; yield the number of rows removed after each file."""
    for file_id in file_store.of_owners(events, runs):
        yield file_store.remove([file_id])


def _is_ready(states: set[str]) -> bool:
    return states <= _FINAL and bool(states & _DONE)


def _emptied(row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """An attempt (request, answer, id) without bodies; None if there is nothing to change."""
    request, answer, attempt_id = row
    without = (_without_body(request), _without_body(answer))
    return None if without == (request, answer) else (*without, attempt_id)


def _without_body(record: str | None) -> str | None:
    values = msgspec.json.decode(record) if record is not None else None
    if not isinstance(values, dict) or not values.get("body"):
        return record
    return msgspec.json.encode({**values, "body": ""}).decode()


def _write(rows: list[tuple[Any, ...]]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany("UPDATE relay_attempt SET request = %s, answer = %s WHERE id = %s", rows)
    return len(rows)


def _remove_event_bodies(events: list[int]) -> int:
    return statements.execute(
        f"UPDATE relay_event SET body = %s, files = NULL WHERE id IN ({statements.marks(len(events))})", (b"", *events)
    )
