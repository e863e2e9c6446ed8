"""Runs statements on the hot path, and holds the few that differ between SQLite and PostgreSQL."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec.structs import astuple

from relay.timestamps import micros, now

Record = TypeVar("Record", bound=NamedTuple)


def marks(count: int) -> str:
    """`%s, %s, ...`: the marks of `count` parameters."""
    return ", ".join(["%s"] * count)


def database() -> BaseDatabaseWrapper:
    """Django's connection of this thread. `django.db.connection` would look it up at each attribute access."""
    return connections[DEFAULT_DB_ALIAS]


def fetch(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    django = database()
    if (driver := _driver(django)) is not None:
        with django.wrap_database_errors:
            return driver.execute(_with_question_marks(statement), parameters).fetchall()
    with django.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def fetch_records(record: type[Record], statement: str, parameters: Sequence[Any] = ()) -> list[Record]:
    """Rows with names: `record` is a NamedTuple whose fields are what the statement selects, in its order."""
    return list(map(record._make, fetch(statement, parameters)))


def fetch_values(statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """The values of the only column."""
    return [value for (value,) in fetch(statement, parameters)]


def fetch_value(statement: str, parameters: Sequence[Any] = ()) -> Any:
    """The only column of the first row; None if there is no row."""
    return next(iter(fetch_values(statement, parameters)), None)


def insert(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add many rows with one prepared statement."""
    statement = _insertion(table, tuple(columns))
    django = database()
    if (driver := _driver(django)) is not None:
        with django.wrap_database_errors:
            driver.executemany(_with_question_marks(statement), rows)
        return
    with django.cursor() as cursor:
        cursor.executemany(statement, list(rows))


def insert_rows(table: str, rows: Sequence[msgspec.Struct]) -> None:
    """Add records of one class whose fields are named as the columns are; nothing for no rows."""
    if rows:
        insert(table, type(rows[0]).__struct_fields__, map(astuple, rows))


def _insertion(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(len(columns))})"


def _driver(django: BaseDatabaseWrapper) -> sqlite3.Connection | None:
    """SQLite's own connection, since Django's cursor takes longer than most statements; None if queries are watched."""
    if django.vendor != "sqlite" or django.queries_logged or django.execute_wrappers:
        return None
    if django.connection is None:
        django.ensure_connection()
    driver: sqlite3.Connection = django.connection
    return driver


@functools.lru_cache(maxsize=512)
def _with_question_marks(statement: str) -> str:
    return statement.replace("%s", "?").replace("%%", "%")


def is_sqlite() -> bool:
    return database().vendor == "sqlite"


def lock_clause() -> str:
    """The end of a SELECT that locks rows to change. All lock in the order of ids, so that none wait in a circle."""
    return "" if is_sqlite() else " ORDER BY id FOR UPDATE"


def lower_durability() -> None:
    """Commit without waiting for the disk. For a worker's connection, since what a worker commits can be redone."""
    _run("PRAGMA synchronous=NORMAL" if is_sqlite() else "SET synchronous_commit = off")


def disconnect() -> None:
    """Close this thread's failed connection; the next statement opens another."""
    connection.close()


def flush() -> None:
    """Make every commit so far durable before this returns, on a connection with lowered durability."""
    _run("PRAGMA synchronous=FULL" if is_sqlite() else "SET synchronous_commit = on")
    try:
        # A commit that waits for the disk makes all earlier commits durable, too.
        execute("DELETE FROM relay_lease WHERE name = 'flush'")
        execute("INSERT INTO relay_lease (name, holder, until) VALUES ('flush', '', %s)", (now(),))
    finally:
        lower_durability()


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def execute(statement: str, parameters: Sequence[Any] = ()) -> int:
    """Run one statement, and return the number of rows that it changed."""
    django = database()
    if (driver := _driver(django)) is not None:
        with django.wrap_database_errors:
            return driver.execute(_with_question_marks(statement), parameters).rowcount
    with django.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


__all__ = [
    "disconnect",
    "execute",
    "fetch",
    "fetch_records",
    "fetch_value",
    "fetch_values",
    "flush",
    "insert",
    "insert_rows",
    "is_sqlite",
    "lock_clause",
    "lower_durability",
    "marks",
    "micros",
    "now",
]
