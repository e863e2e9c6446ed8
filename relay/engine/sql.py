"""The few statements of the hot path that differ between SQLite and PostgreSQL, and small pieces of SQL."""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from relay.models.fields import micros


def now() -> int:
    """Microseconds since 1970, as the ledger keeps every moment."""
    return time.time_ns() // 1000


def marks(count: int) -> str:
    """`%s, %s, ...`"""
    return ", ".join(["%s"] * count)


def database() -> BaseDatabaseWrapper:
    """Django's connection of this thread; `django.db.connection` looks for it at each attribute."""
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


@functools.lru_cache(maxsize=64)
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(len(columns))})"


def _driver(django: BaseDatabaseWrapper) -> sqlite3.Connection | None:
    """SQLite's connection itself, unless somebody looks on: Django's cursor takes longer than most statements."""
    if django.vendor != "sqlite" or django.queries_logged or django.execute_wrappers:
        return None
    if django.connection is None:
        django.ensure_connection()
    found: sqlite3.Connection = django.connection
    return found


@functools.lru_cache(maxsize=512)
def _with_question_marks(statement: str) -> str:
    return statement.replace("%s", "?").replace("%%", "%")


def is_sqlite() -> bool:
    return database().vendor == "sqlite"


def locking() -> str:
    """What a SELECT ends with whose rows are to be changed: all who change several take them in one order."""
    return "" if is_sqlite() else " ORDER BY id FOR UPDATE"


def lower_durability() -> None:
    """For a worker's connection: what it commits can be done again, so a commit need not wait for the disk."""
    _run("PRAGMA synchronous=NORMAL" if is_sqlite() else "SET synchronous_commit = off")


def disconnect() -> None:
    """Drop this thread's connection, which failed; the next statement opens another."""
    connection.close()


def flush() -> None:
    """Have the disk hold all that was committed until now, before this returns; for a connection lowered as above."""
    _run("PRAGMA synchronous=FULL" if is_sqlite() else "SET synchronous_commit = on")
    try:
        # One commit that waits for the disk takes all before it along.
        execute("DELETE FROM relay_lease WHERE name = 'flush'")
        execute("INSERT INTO relay_lease (name, holder, until) VALUES ('flush', '', %s)", (now(),))
    finally:
        lower_durability()


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def execute(statement: str, parameters: Sequence[Any] = ()) -> int:
    """Run one statement; the number of rows it changed."""
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
    "flush",
    "insert",
    "is_sqlite",
    "locking",
    "lower_durability",
    "marks",
    "micros",
    "now",
]
