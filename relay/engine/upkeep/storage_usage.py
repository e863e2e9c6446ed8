"""Measures the number of events, runs, attempts and files, and the size of the database, at little cost."""

from __future__ import annotations

from dataclasses import dataclass

from relay.engine.database import statements

# Rows that are counted (about 20 ms per million); the number of rows of larger tables is estimated.
MAX_COUNTED = 2_000_000
_TABLES = {"events": "relay_event", "runs": "relay_run", "attempts": "relay_attempt", "files": "relay_storedfile"}


@dataclass(frozen=True, slots=True)
class Storage:
    """Rows by kind, the bytes of the database, and those of files in the object store.

    `estimated`: some number of rows, or the bytes in the object store, is an estimate.
    """

    events: int
    runs: int
    attempts: int
    files: int
    bytes: int
    object_bytes: int
    estimated: bool


def measure() -> Storage:
    """Measure the whole installation. On SQLite, `bytes` is the file without its free pages."""
    counted = {name: _rows(table) for name, table in _TABLES.items()}
    files = counted["files"][0]
    return Storage(
        events=counted["events"][0],
        runs=counted["runs"][0],
        attempts=counted["attempts"][0],
        files=files,
        bytes=_bytes(),
        object_bytes=_object_bytes(files),
        estimated=any(estimated for _, estimated in counted.values()),
    )


def _rows(table: str) -> tuple[int, bool]:
    if not statements.is_sqlite():
        estimate = int(statements.fetch_value("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", (table,)))
        if estimate > MAX_COUNTED:
            return estimate, True
    count = int(statements.fetch_value(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {MAX_COUNTED}) counted"))
    return (count, False) if count < MAX_COUNTED else (_extrapolated(table), True)


def _extrapolated(table: str) -> int:
    """Estimate the rows of a table: ids are in order of time, so the oldest rows and their time span give the rate."""
    statement = f"SELECT min(id), max(id) FROM (SELECT id FROM {table} ORDER BY id LIMIT {MAX_COUNTED}) oldest"
    first, last = map(int, statements.fetch(statement)[0])
    newest = int(statements.fetch_value(f"SELECT max(id) FROM {table}"))
    return MAX_COUNTED * (newest - first) // max(1, last - first)


def _bytes() -> int:
    if not statements.is_sqlite():
        return int(statements.fetch_value("SELECT pg_database_size(current_database())"))
    pages, free, size = (
        int(statements.fetch_value(f"PRAGMA {name}")) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _object_bytes(files: int) -> int:
    """The bytes of files in the object store: of very many files, from the mean size of the oldest."""
    size = int(
        statements.fetch_value(
            "SELECT COALESCE(SUM(size), 0) FROM (SELECT CASE WHEN area <> '' THEN size ELSE 0 END AS size"
            f" FROM relay_storedfile ORDER BY id LIMIT {MAX_COUNTED}) counted"
        )
    )
    return size if files <= MAX_COUNTED else size * files // MAX_COUNTED
