"""Pace: how many rows a transaction of upkeep changes, so that none keeps the database's write lock for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

MOST = 500  # rows of one transaction
LEAST = 20
SLOW, QUICK = (
    0.05,
    0.02,
)  # seconds: a transaction over the one is followed by a smaller one, under the other by a larger
MOST_BYTES = 4 * 1024 * 1024  # of bodies in one transaction: SQLite walks every page of a large one


class Pace:
    """Starts small, and follows how long transactions take."""

    def __init__(self) -> None:
        self.rows = 100

    def timed(self, transaction: Callable[..., int], *arguments: Any) -> int:
        """Run one transaction; the number of rows that it changed."""
        start = time.monotonic()
        changed = transaction(*arguments)
        took = time.monotonic() - start
        if took > SLOW:
            self.rows = max(LEAST, self.rows // 2)
        elif took < QUICK:
            self.rows = min(MOST, self.rows * 2)
        return changed


def light(rows: Sequence[tuple[int, int]]) -> list[int]:
    """The ids of the first rows (id, bytes) that one transaction may touch: one at least."""
    taken: list[int] = []
    size = 0
    for number, weight in rows:
        size += weight
        if taken and size > MOST_BYTES:
            break
        taken.append(number)
    return taken
