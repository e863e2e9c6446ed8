"""Health: whether a place keeps failing, by how the last sends to it ended."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# The breaker: so many sends within so many seconds, and this share of them failed.
WINDOW = 60.0
FEWEST = 10
SHARE = 0.8
MOST_COUNTED = 1_000


@dataclass(slots=True)
class Health:
    """How sends to one place ended lately."""

    ended: deque[tuple[float, bool]] = field(default_factory=deque)
    failed: int = 0

    def count(self, now: float, *, failed: bool) -> None:
        self.ended.append((now, failed))
        self.failed += failed
        while self.ended and (self.ended[0][0] < now - WINDOW or len(self.ended) > MOST_COUNTED):
            self.failed -= self.ended.popleft()[1]

    @property
    def is_failing(self) -> bool:
        return len(self.ended) >= FEWEST and self.failed >= SHARE * len(self.ended)
