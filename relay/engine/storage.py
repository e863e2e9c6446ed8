"""Storage: how much of the ledger there is, cheaply."""

from __future__ import annotations

from dataclasses import dataclass

from relay.engine import sql

# Rows that are counted one by one (some 20 ms a million); of larger tables the number is estimated.
COUNTED = 2_000_000
_TABLES = {"events": "relay_event", "runs": "relay_run", "attempts": "relay_attempt"}


@dataclass(frozen=True, slots=True)
class Storage:
    """Rows of the ledger, and the bytes that the database takes. `estimated`: the rows are, within some percent."""

    events: int
    runs: int
    attempts: int
    bytes: int
    estimated: bool


def storage() -> Storage:
    """What the whole installation stores. On SQLite `bytes` is the file without its free pages."""
    counted = {name: _rows(table) for name, table in _TABLES.items()}
    return Storage(
        events=counted["events"][0],
        runs=counted["runs"][0],
        attempts=counted["attempts"][0],
        bytes=_bytes(),
        estimated=any(estimated for _, estimated in counted.values()),
    )


def _rows(table: str) -> tuple[int, bool]:
    if not sql.is_sqlite():
        known = int(sql.fetch("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", (table,))[0][0])
        if known > COUNTED:
            return known, True
    count = int(sql.fetch(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {COUNTED}) counted")[0][0])
    return (count, False) if count < COUNTED else (_extrapolated(table), True)


def _extrapolated(table: str) -> int:
    """Ids are in order of time, so the oldest rows and the time that they span tell how many all are."""
    statement = f"SELECT min(id), max(id) FROM (SELECT id FROM {table} ORDER BY id LIMIT {COUNTED}) oldest"
    first, last = map(int, sql.fetch(statement)[0])
    newest = int(sql.fetch(f"SELECT max(id) FROM {table}")[0][0])
    return COUNTED * (newest - first) // max(1, last - first)


def _bytes() -> int:
    if not sql.is_sqlite():
        return int(sql.fetch("SELECT pg_database_size(current_database())")[0][0])
    pages, free, size = (
        int(sql.fetch(f"PRAGMA {name}")[0][0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
