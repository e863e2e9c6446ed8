"""Where the search index is kept: an FTS5 table in a file beside SQLite's database, or a GIN index of PostgreSQL."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.db import connection

from relay.words import is_start

Row = tuple[int, list[str]]
Term = tuple[str, ...]  # any of these words

# A file of its own: its writes never make ingest wait, and who deletes it has it made anew.
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
  kept, detail = none, columnsize = 0, tokenize = "ascii tokenchars '!#$%&*+-./:=?@^_|~'"
);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS later (run_id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS hours (
  flow_id INTEGER, hour INTEGER, state TEXT, count INTEGER NOT NULL, PRIMARY KEY (flow_id, hour, state)
) WITHOUT ROWID;
"""


class Store(Protocol):
    """The tables by name, and the three statements that differ."""

    progress_table: str
    later_table: str
    hours_table: str

    def select(self, terms: Sequence[Term], above: int, below: int) -> tuple[str, list[Any]]:
        """A SELECT of the ids between two others whose runs have all terms, and its parameters."""

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
    progress_table, later_table, hours_table = "search.progress", "search.later", "search.hours"

    def select(self, terms: Sequence[Term], above: int, below: int) -> tuple[str, list[Any]]:
        match = _match(terms, '"{}"', '"{}" *', " AND ", " OR ")
        statement = "SELECT rowid FROM search.words WHERE words MATCH %s AND rowid > %s AND rowid < %s"
        return statement, [match, above, below]

    def put(self, rows: Iterable[Row]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO search.words (rowid, kept) VALUES (%s, %s)",
                [(one, " ".join(kept)) for one, kept in rows],
            )

    def forget(self, run_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany("DELETE FROM search.words WHERE rowid = %s", [(one,) for one in run_ids])
            cursor.executemany("DELETE FROM search.later WHERE run_id = %s", [(one,) for one in run_ids])


class PostgresStore(_Tables):
    progress_table, later_table, hours_table = "relay_searchprogress", "relay_searchlater", "relay_searchhours"

    def select(self, terms: Sequence[Term], above: int, below: int) -> tuple[str, list[Any]]:
        match = _match(terms, "'{}'", "'{}':*", " & ", " | ")
        statement = "SELECT run_id FROM relay_searchwords WHERE words @@ %s::tsquery AND run_id > %s AND run_id < %s"
        return statement, [match, above, below]

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
