"""Buckets: so many at once, and as many again in every span of time."""

from __future__ import annotations

from typing import NamedTuple

from relay import backoff

# Of a span: what floating point adds to a sum of many parts keeps nobody out.
_NOTHING = 1e-9


class Rate(NamedTuple):
    """So many in every span of seconds; `text` as people write it: 50/s."""

    number: int
    seconds: float
    text: str


def rate(text: str) -> Rate:
    """The rate of "50/s", "30/m" or "500/h"; ValueError for all else."""
    count, seconds = backoff.parts_of(text)
    return Rate(count, seconds, text.strip())


class Bucket:
    """Lets `count` through at once and, when they are through, one every `seconds / count`. One float to remember."""

    __slots__ = ("_each", "_full_at", "_span")

    def __init__(self, count: float, seconds: float) -> None:
        self._span = seconds
        self._each = seconds / count
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """0.0: one is taken; else the seconds until one can be. `now`: seconds of a clock that never goes back."""
        wait = self.wait(now)
        if not wait:
            self._full_at = max(self._full_at, now) + self._each
        return wait

    def wait(self, now: float) -> float:
        """The seconds until one can be taken; 0.0 when one can be now."""
        wait = max(self._full_at, now) + self._each - now - self._span
        return wait if wait > _NOTHING * self._span else 0.0
