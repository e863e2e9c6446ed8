"""Adds runs to the search index and counts them by hour, a little each second."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection, transaction

from relay import ids
from relay.engine.database import statements
from relay.models import Run
from relay.search import documents, index_store, words
from relay.search.index_store import Store

BUSY_SECONDS, IDLE_SECONDS = 0.1, 0.4  # of work in each second, while runs are due soon and while none are
BATCH_RUNS = 100  # in one transaction
ROUND_UNFINISHED = 2_000  # unfinished runs examined in one round
SETTLE_US = 5_000_000  # microseconds after which no older id can still be committed
COUNTED_HOURS = 26
HOUR_OF_IDS = ids.first_at((ids.EPOCH_MS + 3_600_000) * 1000)
_LAST, _LAST_UNFINISHED = 1, 2  # rows of the progress table
# The row for re-indexing after the rules for words changed, newest run first: the id down to which it is done. Each
# version of the rules has its own row, so it starts again with all indexed runs.
_REINDEXED = 100 + words.VERSION
_ALL = 1


class _IndexedRun(NamedTuple):
    """What the index asks of a run beside its words."""

    pk: int
    flow_id: int
    state: str
    finished_at: object


def index_some(seconds: float | None = None) -> int:
    """Index runs for `seconds`, by default depending on how busy Relay is; return the number of runs.

    A run is indexed some seconds after its event arrived, and again when it has ended.
    """
    store = index_store.store()
    end = time.monotonic() + (_time_budget() if seconds is None else seconds)
    count = 0
    if not store.progress(_REINDEXED):
        _advance(store, _REINDEXED, store.progress() + 1)
    while (ended := _ended_since(store)) and time.monotonic() < end:
        count += sum(_index(store, ended[at : at + BATCH_RUNS]) for at in range(0, len(ended), BATCH_RUNS))
    while time.monotonic() < end and (fresh := _fresh(store)):
        count += _index(store, fresh, last=fresh[-1])
    while time.monotonic() < end and (outdated := _outdated(store)):
        _reindex_outdated(store, outdated)
        count += len(outdated)
    oldest = ids.first_at(statements.now()) // HOUR_OF_IDS - COUNTED_HOURS
    statements.execute(f"DELETE FROM {store.hours_table} WHERE hour < %s", (oldest,))
    return count


def forget(run_ids: Sequence[int]) -> None:
    """Remove deleted runs from the index, in the caller's transaction if there is one."""
    index_store.store().forget(run_ids)


def reindex(run_ids: Sequence[int]) -> None:
    """Index runs again that are in the index, after some of their text was removed."""
    store = index_store.store()
    indexed = Run.objects.filter(pk__in=list(run_ids), pk__lte=store.progress())
    for at in range(0, len(rows := sorted(indexed.values_list("pk", flat=True))), BATCH_RUNS):
        with _writing():
            store.put(documents.of_runs(Run.objects.filter(pk__in=rows[at : at + BATCH_RUNS])).items())


def _outdated(store: Store) -> list[int]:
    """Some runs whose words may be those of an earlier version of relay.search.words, newest first."""
    below = store.progress(_REINDEXED)
    if below == _ALL:
        return []
    older = Run.objects.filter(pk__lt=below).order_by("-pk")
    if run_ids := list(older.values_list("pk", flat=True)[:BATCH_RUNS]):
        return run_ids
    _advance(store, _REINDEXED, _ALL)
    return []


def _reindex_outdated(store: Store, run_ids: list[int]) -> None:
    with _writing():
        store.put(documents.of_runs(Run.objects.filter(pk__in=run_ids)).items())
        _advance(store, _REINDEXED, run_ids[-1])


def _time_budget() -> float:
    soon = statements.now() + 15_000_000
    return (
        BUSY_SECONDS
        if statements.fetch("SELECT 1 FROM relay_run WHERE due_at <= %s LIMIT 1", (soon,))
        else IDLE_SECONDS
    )


def _fresh(store: Store) -> list[int]:
    old_enough = ids.first_at(statements.now() - SETTLE_US)
    statement = "SELECT id FROM relay_run WHERE id > %s AND id < %s ORDER BY id LIMIT %s"
    return statements.fetch_values(statement, (store.progress(), old_enough, BATCH_RUNS))


def _ended_since(store: Store) -> list[int]:
    """The runs that have ended or were removed since they were indexed, from the next part of the unfinished ones."""
    after = store.progress(_LAST_UNFINISHED)
    statement = f"SELECT run_id FROM {store.later_table} WHERE run_id > %s ORDER BY run_id LIMIT %s"
    examined = statements.fetch_values(statement, (after, ROUND_UNFINISHED))
    if examined or after:
        _advance(store, _LAST_UNFINISHED, examined[-1] if len(examined) == ROUND_UNFINISHED else 0)
    unfinished = set(Run.objects.filter(pk__in=examined, finished_at=None).values_list("pk", flat=True))
    return [run_id for run_id in examined if run_id not in unfinished]


def _index(store: Store, run_ids: list[int], *, last: int | None = None) -> int:
    with _writing():
        runs = {run.pk: run for run in _runs(run_ids)}
        store.forget([run_id for run_id in run_ids if run_id not in runs])
        store.put(documents.of_runs(Run.objects.filter(pk__in=list(runs))).items())
        ended = [run_id for run_id, run in runs.items() if run.finished_at is not None]
        _count(store, [runs[run_id] for run_id in ended])
        _track_unfinished(store, ended, [run_id for run_id in runs if run_id not in set(ended)])
        if last is not None:
            _advance(store, _LAST, last)
    return len(run_ids)


def _runs(run_ids: list[int]) -> list[_IndexedRun]:
    rows = Run.objects.filter(pk__in=run_ids).values_list(*_IndexedRun._fields)
    return list(map(_IndexedRun._make, rows))


def _count(store: Store, ended: list[_IndexedRun]) -> None:
    counts = Counter((run.flow_id, run.pk // HOUR_OF_IDS, run.state) for run in ended)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {store.hours_table} AS h (flow_id, hour, state, count) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (flow_id, hour, state) DO UPDATE SET count = h.count + excluded.count",
            [(*key, count) for key, count in counts.items()],
        )


def _track_unfinished(store: Store, ended: list[int], unfinished: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"DELETE FROM {store.later_table} WHERE run_id = %s", [(run_id,) for run_id in ended])
        cursor.executemany(
            f"INSERT INTO {store.later_table} (run_id) VALUES (%s) ON CONFLICT DO NOTHING",
            [(run_id,) for run_id in unfinished],
        )


def _advance(store: Store, row: int, last: int) -> None:
    statements.execute(
        f"INSERT INTO {store.progress_table} (id, last) VALUES (%s, %s)"
        " ON CONFLICT (id) DO UPDATE SET last = excluded.last",
        (row, last),
    )


@contextmanager
def _writing() -> Iterator[None]:
    """A transaction. On SQLite it locks only the file of the index, so that ingest can write meanwhile."""
    if not statements.is_sqlite() or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    statements.execute("BEGIN")
    try:
        yield
        statements.execute("COMMIT")
    except BaseException:
        statements.execute("ROLLBACK")
        raise
