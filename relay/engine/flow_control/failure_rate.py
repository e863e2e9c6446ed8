"""Tracks the failure rate of a destination over its latest sends."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# A destination is failing if at least MIN_SENDS sends ended within the window, and this share of them failed.
WINDOW_SECONDS = 60.0
MIN_SENDS = 10
FAILURE_SHARE = 0.8
MAX_COUNTED = 1_000


@dataclass(slots=True)
class FailureRate:
    """The results of the latest sends to one destination: (time, has failed), and how many failed."""

    ended: deque[tuple[float, bool]] = field(default_factory=deque)
    failed: int = 0

    def count(self, now: float, *, failed: bool) -> None:
        self.ended.append((now, failed))
        self.failed += failed
        while self.ended and (self.ended[0][0] < now - WINDOW_SECONDS or len(self.ended) > MAX_COUNTED):
            self.failed -= self.ended.popleft()[1]

    @property
    def is_failing(self) -> bool:
        return len(self.ended) >= MIN_SENDS and self.failed >= FAILURE_SHARE * len(self.ended)
