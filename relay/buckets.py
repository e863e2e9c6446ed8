"""Buckets: so many at once, and as many again in every span of time."""

from __future__ import annotations

# Of a span: what floating point adds to a sum of many parts keeps nobody out.
_NOTHING = 1e-9


class Bucket:
    """Lets `count` through at once and, when they are through, one every `seconds / count`. One float to remember."""

    __slots__ = ("_each", "_full_at", "_span")

    def __init__(self, count: float, seconds: float) -> None:
        self._span = seconds
        self._each = seconds / count
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """0.0: one is taken; else the seconds until one can be. `now`: seconds of a clock that never goes back."""
        full_at = max(self._full_at, now) + self._each
        wait = full_at - now - self._span
        if wait > _NOTHING * self._span:
            return wait
        self._full_at = full_at
        return 0.0
