"""Where the search index is kept: FTS5 tables in a file beside SQLite's database, or a GIN index of PostgreSQL."""

from __future__ import annotations

import functools
import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.db import connection

from relay.words import is_start

Row = tuple[int, list[str]]
Term = tuple[str, ...]  # any of these words
Shelf = tuple[int, int, int]  # its number, its smallest id, rows put into it

SHELF = 50_000  # rows: a word that starts many others takes FTS5 time by the size of its table
SHELVES = 100  # of that size; later ones are larger, since a statement takes some hundred tables
END = (1 << 63) - 1
_CHUNK = 1_000
_NEWEST = 20_000  # runs

# A file of its own: its writes never make ingest wait, and who deletes it has it made anew.
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS shelves (number INTEGER PRIMARY KEY, first INTEGER NOT NULL, put INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS later (run_id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS hours (
  flow_id INTEGER, hour INTEGER, state TEXT, count INTEGER NOT NULL, PRIMARY KEY (flow_id, hour, state)
) WITHOUT ROWID;
"""
_SHELF = (
    "CREATE VIRTUAL TABLE search.words_{} USING fts5("
    "kept, detail = none, columnsize = 0, tokenize = \"ascii tokenchars '!#$%&*+-./:=?@^_|~'\")"
)


class Store(Protocol):
    """The tables by name, and the statements that differ."""

    progress_table: str
    later_table: str
    hours_table: str

    def select(self, terms: Sequence[Term]) -> tuple[str, list[Any]]:
        """A SELECT of the ids of all runs that have all terms, and its parameters."""

    def walk(self, terms: Sequence[Term], above: int, below: int) -> Iterator[tuple[list[int], int]]:
        """The ids between two others of runs that have all terms, newest first, a few at a time; how far it came."""

    def put(self, rows: Iterable[Row]) -> None:
        """Keep the words of runs, instead of those kept before."""

    def forget(self, run_ids: Sequence[int]) -> None: ...

    def progress(self, row: int = 1) -> int:
        """A place in the ledger, 0 where nothing is noted: in row 1 the id up to which runs are indexed."""


class _Tables:
    progress_table: str

    def progress(self, row: int = 1) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT last FROM {self.progress_table} WHERE id = %s", (row,))
            found = cursor.fetchone()
        return found[0] if found else 0


class SqliteStore(_Tables):
    """A table a shelf: consecutive ids, so that the newest are searched without touching the others."""

    progress_table, later_table, hours_table = "search.progress", "search.later", "search.hours"

    def select(self, terms: Sequence[Term]) -> tuple[str, list[Any]]:
        match = _match(terms, *_FTS5)
        parts = [f"SELECT rowid FROM search.words_{one} WHERE words_{one} MATCH %s" for one, _, _ in self._shelves()]
        return " UNION ALL ".join(parts) or "SELECT 0 WHERE 0", [match] * len(parts)

    def walk(self, terms: Sequence[Term], above: int, below: int) -> Iterator[tuple[list[int], int]]:
        match = _match(terms, *_FTS5)
        for number, first, _ in reversed(self._shelves()):
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
                while len(rows := cursor.fetchmany(_CHUNK)) == _CHUNK:
                    yield [row[0] for row in rows], rows[-1][0]
            yield [row[0] for row in rows], first
            below = first

    def put(self, rows: Iterable[Row]) -> None:
        for number, some in self._placed(sorted(rows)).items():
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT OR REPLACE INTO search.words_{number} (rowid, kept) VALUES (%s, %s)",
                    [(one, " ".join(kept)) for one, kept in some],
                )
                cursor.execute("UPDATE search.shelves SET put = put + %s WHERE number = %s", [len(some), number])

    def forget(self, run_ids: Sequence[int]) -> None:
        for number, some in self._placed([(one, []) for one in run_ids], grow=False).items():
            with connection.cursor() as cursor:
                gone = [(one,) for one, _ in some]
                cursor.executemany(f"DELETE FROM search.words_{number} WHERE rowid = %s", gone)
                cursor.executemany("DELETE FROM search.later WHERE run_id = %s", gone)

    def _placed(self, rows: Sequence[Row], *, grow: bool = True) -> dict[int, list[Row]]:
        """Rows by the number of their shelf; a new shelf begins with a row that is newer than all of a full one."""
        shelves = self._shelves()
        if grow and rows and self._is_full(shelves) and (not shelves or rows[-1][0] > self.progress()):
            first = next(one for one, _ in rows if not shelves or one > self.progress())
            shelves.append(self._new(first if shelves else 0, len(shelves) + 1))
        placed = defaultdict(list)
        firsts = [first for _, first, _ in shelves]
        for row in rows:
            if shelves:
                placed[shelves[bisect_right(firsts, row[0]) - 1][0]].append(row)
        return placed

    @staticmethod
    def _is_full(shelves: list[Shelf]) -> bool:
        return not shelves or shelves[-1][2] >= SHELF * (1 + len(shelves) // SHELVES)

    @staticmethod
    def _new(first: int, number: int) -> Shelf:
        with connection.cursor() as cursor:
            cursor.execute(_SHELF.format(number))
            cursor.execute("INSERT INTO search.shelves (number, first, put) VALUES (%s, %s, 0)", [number, first])
        return number, first, 0

    @staticmethod
    def _shelves() -> list[Shelf]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT number, first, put FROM search.shelves ORDER BY first")
            shelves: list[Shelf] = cursor.fetchall()
        return shelves


class PostgresStore(_Tables):
    progress_table, later_table, hours_table = "relay_searchprogress", "relay_searchlater", "relay_searchhours"

    def select(self, terms: Sequence[Term]) -> tuple[str, list[Any]]:
        return "SELECT run_id FROM relay_searchwords WHERE words @@ %s::tsquery", [_match(terms, *_TSQUERY)]

    def walk(self, terms: Sequence[Term], above: int, below: int) -> Iterator[tuple[list[int], int]]:
        """The newest by their ids, which is quick for what many have; if those are too few, the rest by the words.

        PostgreSQL can't know which it is: it takes words for independent of each other, and they are not.
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
            found = self._ids(rest, [*parameters, above, last, _NEWEST])
            last = found[-1] - 1 if len(found) == _NEWEST else above
            yield from self._chunks(found, last)

    @staticmethod
    def _chunks(found: list[int], end: int) -> Iterator[tuple[list[int], int]]:
        for at in range(0, len(found), _CHUNK):
            chunk = found[at : at + _CHUNK]
            yield chunk, chunk[-1]
        yield [], end

    @staticmethod
    def _ids(statement: str, parameters: list[Any]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return [row[0] for row in cursor.fetchall()]

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
    """The store of the database in use, ready."""
    if connection.vendor != "sqlite":
        return PostgresStore()
    _attach()
    return SqliteStore()


_FTS5 = ('"{}"', '"{}" *', " AND ", " OR ")
_TSQUERY = ("'{}'", "'{}':*", " & ", " | ")


def _match(terms: Sequence[Term], whole: str, start: str, every: str, some: str) -> str:
    """The wanted words in a database's own tongue. No word has a quote: relay/words.py leaves none."""
    return every.join(f"({some.join(_one(word, whole, start) for word in term)})" for term in terms)


def _one(word: str, whole: str, start: str) -> str:
    return (start if is_start(word) else whole).format(word)


def _attach() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        if any(row[1] == "search" for row in cursor.fetchall()):
            return
        path = Path(connection.settings_dict["NAME"]).with_name("search.sqlite3")
        _made(path)
        cursor.execute("ATTACH DATABASE %s AS search", [str(path)])
        if not connection.in_atomic_block:
            # What is lost with the power is made anew.
            cursor.execute("PRAGMA search.synchronous = NORMAL")


@functools.cache
def _made(path: Path) -> None:
    """Make the file and its tables; once a process."""
    made = sqlite3.connect(path, timeout=20, isolation_level=None)
    try:
        made.executescript(_SCHEMA)
    finally:
        made.close()
