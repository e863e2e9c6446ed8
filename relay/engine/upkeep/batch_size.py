"""Limits how many rows a transaction of upkeep changes, so that none holds the database's write lock for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

MAX_ROWS = 500  # of one transaction
MIN_ROWS = 20
# A transaction slower than SLOW makes the next one smaller; one faster than QUICK makes it larger.
SLOW, QUICK = 0.05, 0.02  # seconds
MAX_BODY_BYTES = 4 * 1024 * 1024  # in one transaction: SQLite walks every page of a large body


class BatchSize:
    """A number of rows that starts small and follows how long transactions take."""

    def __init__(self) -> None:
        self.rows = 100

    def run(self, transaction: Callable[..., int], *arguments: Any) -> int:
        """Run one transaction and adapt the size; return the number of rows changed."""
        start = time.monotonic()
        changed = transaction(*arguments)
        seconds = time.monotonic() - start
        if seconds > SLOW:
            self.rows = max(MIN_ROWS, self.rows // 2)
        elif seconds < QUICK:
            self.rows = min(MAX_ROWS, self.rows * 2)
        return changed


def within_byte_limit(rows: Sequence[tuple[int, int]]) -> list[int]:
    """The ids of the first rows (id, bytes) that fit into one transaction; at least one."""
    taken: list[int] = []
    size = 0
    for row_id, row_bytes in rows:
        size += row_bytes
        if taken and size > MAX_BODY_BYTES:
            break
        taken.append(row_id)
    return taken
