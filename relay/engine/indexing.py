"""Indexing: upkeep gives runs to the search index, and counts them by the hour, a little each second."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from relay import ids
from relay.engine import sql
from relay.models import Run, searchstore, wording
from relay.models.searchstore import Store

BUSY, IDLE = 0.1, 0.4  # seconds of each second while runs are under way, and while none is
AT_ONCE = 100  # runs of one transaction
LOOKED_AT = 2_000  # unfinished runs looked at in one round
SETTLED = 5_000_000  # microseconds after which no older id is still on its way into the ledger
HOURS = 26  # that are counted
HOUR_OF_IDS = ids.first_at((ids.EPOCH_MS + 3_600_000) * 1000)
_LAST, _LOOKED = 1, 2  # rows of progress


def index_some(seconds: float | None = None) -> int:
    """Index runs for so many seconds, by default by what else there is to do; the number of them.

    A run is indexed some seconds after it arrived, and once more when it has ended.
    """
    store = searchstore.store()
    end = time.monotonic() + (_allowance() if seconds is None else seconds)
    done = 0
    while (ended := _ended(store)) and time.monotonic() < end:
        done += sum(_index(store, ended[at : at + AT_ONCE]) for at in range(0, len(ended), AT_ONCE))
    while time.monotonic() < end and (fresh := _fresh(store)):
        done += _index(store, fresh, last=fresh[-1])
    oldest = ids.first_at(sql.now()) // HOUR_OF_IDS - HOURS
    sql.execute(f"DELETE FROM {store.hours_table} WHERE hour < %s", (oldest,))
    return done


def forget(run_ids: Sequence[int]) -> None:
    """Take deleted runs out of the index; in the caller's transaction, where there is one."""
    searchstore.store().forget(run_ids)


def renew(run_ids: Sequence[int]) -> None:
    """Index runs anew that are indexed already, after words of theirs were taken away."""
    store = searchstore.store()
    known = Run.objects.filter(pk__in=list(run_ids), pk__lte=store.progress())
    for at in range(0, len(rows := sorted(known.values_list("pk", flat=True))), AT_ONCE):
        with _writing():
            store.put(wording.of_runs(Run.objects.filter(pk__in=rows[at : at + AT_ONCE])).items())


def _allowance() -> float:
    soon = sql.now() + 15_000_000
    return BUSY if sql.fetch("SELECT 1 FROM relay_run WHERE due_at <= %s LIMIT 1", (soon,)) else IDLE


def _fresh(store: Store) -> list[int]:
    old_enough = ids.first_at(sql.now() - SETTLED)
    statement = "SELECT id FROM relay_run WHERE id > %s AND id < %s ORDER BY id LIMIT %s"
    return [row[0] for row in sql.fetch(statement, (store.progress(), old_enough, AT_ONCE))]


def _ended(store: Store) -> list[int]:
    """Of some runs that had not ended when they were indexed, those that have since, or are gone. Goes round."""
    mark = store.progress(_LOOKED)
    statement = f"SELECT run_id FROM {store.later_table} WHERE run_id > %s ORDER BY run_id LIMIT %s"
    looked_at = [row[0] for row in sql.fetch(statement, (mark, LOOKED_AT))]
    if looked_at or mark:
        _advance(store, _LOOKED, looked_at[-1] if len(looked_at) == LOOKED_AT else 0)
    going = set(Run.objects.filter(pk__in=looked_at, finished_at=None).values_list("pk", flat=True))
    return [one for one in looked_at if one not in going]


def _index(store: Store, run_ids: list[int], *, last: int | None = None) -> int:
    with _writing():
        rows = {row[0]: row for row in _rows(run_ids)}
        store.forget([one for one in run_ids if one not in rows])
        store.put(wording.of_runs(Run.objects.filter(pk__in=list(rows))).items())
        ended = [one for one, row in rows.items() if row[3] is not None]
        _count(store, [rows[one] for one in ended])
        _remember(store, ended, [one for one in rows if one not in set(ended)])
        if last is not None:
            _advance(store, _LAST, last)
    return len(run_ids)


def _rows(run_ids: list[int]) -> list[tuple[int, int, str, object]]:
    return list(Run.objects.filter(pk__in=run_ids).values_list("pk", "flow_id", "state", "finished_at"))


def _count(store: Store, ended: list[tuple[int, int, str, object]]) -> None:
    counts = Counter((flow, one // HOUR_OF_IDS, state) for one, flow, state, _ in ended)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {store.hours_table} AS h (flow_id, hour, state, count) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (flow_id, hour, state) DO UPDATE SET count = h.count + excluded.count",
            [(*key, count) for key, count in counts.items()],
        )


def _remember(store: Store, ended: list[int], going: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"DELETE FROM {store.later_table} WHERE run_id = %s", [(one,) for one in ended])
        cursor.executemany(
            f"INSERT INTO {store.later_table} (run_id) VALUES (%s) ON CONFLICT DO NOTHING", [(one,) for one in going]
        )


def _advance(store: Store, row: int, last: int) -> None:
    sql.execute(
        f"INSERT INTO {store.progress_table} (id, last) VALUES (%s, %s)"
        " ON CONFLICT (id) DO UPDATE SET last = excluded.last",
        (row, last),
    )


@contextmanager
def _writing() -> Iterator[None]:
    """A transaction. Of SQLite's files only the index is locked for it: ingest goes on writing to the ledger."""
    if not sql.is_sqlite() or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    sql.execute("BEGIN")
    try:
        yield
        sql.execute("COMMIT")
    except BaseException:
        sql.execute("ROLLBACK")
        raise
