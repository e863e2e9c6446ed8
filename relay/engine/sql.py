"""The few statements of the hot path that differ between SQLite and PostgreSQL, and small pieces of SQL."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from relay.models.fields import micros


def now() -> int:
    """Microseconds since 1970, as the ledger keeps every moment."""
    return time.time_ns() // 1000


def marks(count: int) -> str:
    """`%s, %s, ...`"""
    return ", ".join(["%s"] * count)


def fetch(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def insert(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add many rows with one prepared statement."""
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(len(columns))})", list(rows))


def is_sqlite() -> bool:
    return connection.vendor == "sqlite"


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
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


__all__ = [
    "disconnect",
    "execute",
    "fetch",
    "flush",
    "insert",
    "is_sqlite",
    "lower_durability",
    "marks",
    "micros",
    "now",
]
