"""Stores the search index: FTS5 tables in a file beside SQLite's database, or a GIN index in PostgreSQL."""

from __future__ import annotations

import functools
import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from django.db import connection

from relay.search.words import is_start

Row = tuple[int, list[str]]
Term = tuple[str, ...]  # any of these words


class Shard(NamedTuple):
    """A part of the index: `first` is its smallest id, `put` how many rows were put into it."""

    number: int
    first: int
    put: int


SHARD_ROWS = 50_000  # the time of a prefix search in FTS5 grows with its table
MAX_SHARDS = 100  # of that size; later ones are larger, because a statement can use only some hundred tables
END = (1 << 63) - 1
_CHUNK = 1_000
_NEWEST = 20_000  # runs

# A separate file, so that its writes never make ingest wait; if it is deleted, the index is built again.
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS shelves (number INTEGER PRIMARY KEY, first INTEGER NOT NULL, put INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS later (run_id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS hours (
  flow_id INTEGER, hour INTEGER, state TEXT, count INTEGER NOT NULL, PRIMARY KEY (flow_id, hour, state)
) WITHOUT ROWID;
"""
_SHARD_TABLE = (
    "CREATE VIRTUAL TABLE search.words_{} USING fts5("
    "kept, detail = none, columnsize = 0, tokenize = \"ascii tokenchars '!#$%&*+-./:=?@^_|~'\")"
)


class Store(Protocol):
    """The names of the tables, and the statements that differ between databases."""

    progress_table: str
    later_table: str
    hours_table: str

    def select(self, terms: Sequence[Term]) -> tuple[str, list[Any]]:
        """Return a SELECT of the ids of all runs that have all terms, and its parameters."""

    def walk(self, terms: Sequence[Term], above: int, below: int) -> Iterator[tuple[list[int], int]]:
        """Yield ids of runs with all terms in a range, newest first, in chunks, each with the lowest id searched."""

    def put(self, rows: Iterable[Row]) -> None:
        """Store the words of runs, in place of those stored before."""

    def forget(self, run_ids: Sequence[int]) -> None: ...

    def progress(self, row: int = 1) -> int:
        """Return the id in a row of the progress table, or 0; row 1 holds the id up to which runs are indexed."""


class _Tables:
    progress_table: str

    def progress(self, row: int = 1) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT last FROM {self.progress_table} WHERE id = %s", (row,))
            progress = next((last for (last,) in cursor.fetchall()), 0)
        return int(progress)


class SqliteStore(_Tables):
    """One table for each shard of consecutive ids, so that the newest are searched without reading the others."""

    progress_table, later_table, hours_table = "search.progress", "search.later", "search.hours"

    def select(self, terms: Sequence[Term]) -> tuple[str, list[Any]]:
        match = _match(terms, *_FTS5)
        parts = [
            f"SELECT rowid FROM search.words_{number} WHERE words_{number} MATCH %s" for number, _, _ in self._shards()
        ]
        return " UNION ALL ".join(parts) or "SELECT 0 WHERE 0", [match] * len(parts)

    def walk(self, terms: Sequence[Term], above: int, below: int) -> Iterator[tuple[list[int], int]]:
        match = _match(terms, *_FTS5)
        for number, first, _ in reversed(self._shards()):
            if first >= below:
                continue
            if below <= above:
                return
            name = f"words_{number}"
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT rowid FROM search.{name} WHERE {name} MATCH %s AND rowid > %s AND rowid < %s"
                    " ORDER BY rowid DESC",
                    [match, above, below],
                )
                while len(run_ids := [run_id for (run_id,) in cursor.fetchmany(_CHUNK)]) == _CHUNK:
                    yield run_ids, run_ids[-1]
            yield run_ids, first
            below = first

    def put(self, rows: Iterable[Row]) -> None:
        for number, chunk in self._by_shard(sorted(rows)).items():
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT OR REPLACE INTO search.words_{number} (rowid, kept) VALUES (%s, %s)",
                    [(run_id, " ".join(kept)) for run_id, kept in chunk],
                )
                cursor.execute("UPDATE search.shelves SET put = put + %s WHERE number = %s", [len(chunk), number])

    def forget(self, run_ids: Sequence[int]) -> None:
        for number, chunk in self._by_shard([(run_id, []) for run_id in run_ids], grow=False).items():
            with connection.cursor() as cursor:
                parameters = [(run_id,) for run_id, _ in chunk]
                cursor.executemany(f"DELETE FROM search.words_{number} WHERE rowid = %s", parameters)
                cursor.executemany("DELETE FROM search.later WHERE run_id = %s", parameters)

    def _by_shard(self, rows: Sequence[Row], *, grow: bool = True) -> dict[int, list[Row]]:
        """Group rows by the number of their shard; once a shard is full, a newer row starts another one."""
        shards = self._shards()
        newest = max((run_id for run_id, _ in rows), default=0)
        if grow and rows and self._is_full(shards) and (not shards or newest > self.progress()):
            first = next(run_id for run_id, _ in rows if not shards or run_id > self.progress())
            shards.append(self._create_shard(first if shards else 0, len(shards) + 1))
        grouped = defaultdict(list)
        firsts = [shard.first for shard in shards]
        for row in rows:
            if shards:
                run_id, _ = row
                grouped[shards[bisect_right(firsts, run_id) - 1].number].append(row)
        return grouped

    @staticmethod
    def _is_full(shards: list[Shard]) -> bool:
        return not shards or shards[-1].put >= SHARD_ROWS * (1 + len(shards) // MAX_SHARDS)

    @staticmethod
    def _create_shard(first: int, number: int) -> Shard:
        with connection.cursor() as cursor:
            cursor.execute(_SHARD_TABLE.format(number))
            cursor.execute("INSERT INTO search.shelves (number, first, put) VALUES (%s, %s, 0)", [number, first])
        return Shard(number, first, 0)

    @staticmethod
    def _shards() -> list[Shard]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(Shard._fields)} FROM search.shelves ORDER BY first")
            return list(map(Shard._make, cursor.fetchall()))


class PostgresStore(_Tables):
    progress_table, later_table, hours_table = "relay_searchprogress", "relay_searchlater", "relay_searchhours"

    def select(self, terms: Sequence[Term]) -> tuple[str, list[Any]]:
        return "SELECT run_id FROM relay_searchwords WHERE words @@ %s::tsquery", [_match(terms, *_TSQUERY)]

    def walk(self, terms: Sequence[Term], above: int, below: int) -> Iterator[tuple[list[int], int]]:
        """Search the newest runs by id, which is quick for frequent words, and then the rest by words.

        PostgreSQL can't choose between the two: it assumes that words are independent of each other.
        """
        statement, parameters = self.select(terms)
        newest = "SELECT run_id FROM relay_searchwords WHERE run_id > %s AND run_id < %s ORDER BY run_id DESC"
        floor = max([above, *self._ids(f"{newest} OFFSET %s LIMIT 1", [above, below, _NEWEST])])
        within = f"{statement} AND run_id > %s AND run_id < %s ORDER BY run_id DESC"
        yield from self._chunks(self._ids(within, [*parameters, floor, below]), floor)
        rest = (
            f"WITH found AS MATERIALIZED ({statement}) SELECT run_id FROM found"
            " WHERE run_id > %s AND run_id <= %s ORDER BY run_id DESC LIMIT %s"
        )
        last = floor
        while last > above:
            run_ids = self._ids(rest, [*parameters, above, last, _NEWEST])
            last = run_ids[-1] - 1 if len(run_ids) == _NEWEST else above
            yield from self._chunks(run_ids, last)

    @staticmethod
    def _chunks(run_ids: list[int], end: int) -> Iterator[tuple[list[int], int]]:
        for at in range(0, len(run_ids), _CHUNK):
            chunk = run_ids[at : at + _CHUNK]
            yield chunk, chunk[-1]
        yield [], end

    @staticmethod
    def _ids(statement: str, parameters: list[Any]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return [run_id for (run_id,) in cursor.fetchall()]

    def put(self, rows: Iterable[Row]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO relay_searchwords (run_id, words) VALUES (%s, array_to_tsvector(%s::text[]))"
                " ON CONFLICT (run_id) DO UPDATE SET words = excluded.words",
                list(rows),
            )

    def forget(self, run_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM relay_searchwords WHERE run_id = ANY(%s)", [list(run_ids)])
            cursor.execute("DELETE FROM relay_searchlater WHERE run_id = ANY(%s)", [list(run_ids)])


def store() -> Store:
    """Return the store of the current database, ready for use."""
    if connection.vendor != "sqlite":
        return PostgresStore()
    _attach()
    return SqliteStore()


_FTS5 = ('"{}"', '"{}" *', " AND ", " OR ")
_TSQUERY = ("'{}'", "'{}':*", " & ", " | ")


def _match(terms: Sequence[Term], whole: str, start: str, every: str, some: str) -> str:
    """Return the search expression of a database. No word contains a quote: relay/search/words.py removes them."""
    return every.join(f"({some.join(_pattern(word, whole, start) for word in term)})" for term in terms)


def _pattern(word: str, whole: str, start: str) -> str:
    return (start if is_start(word) else whole).format(word)


def _attach() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        if any(name == "search" for _, name, _ in cursor.fetchall()):
            return
        path = Path(connection.settings_dict["NAME"]).with_name("search.sqlite3")
        _create(path)
        cursor.execute("ATTACH DATABASE %s AS search", [str(path)])
        if not connection.in_atomic_block:
            # What a power failure loses is indexed again.
            cursor.execute("PRAGMA search.synchronous = NORMAL")


@functools.cache
def _create(path: Path) -> None:
    """Create the file and its tables; once in each process."""
    database = sqlite3.connect(path, timeout=20, isolation_level=None)
    try:
        database.executescript(_SCHEMA)
    finally:
        database.close()
