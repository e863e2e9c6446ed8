"""Limits rates with token buckets: a number at once, and as many again in every span of time."""

from __future__ import annotations

from typing import NamedTuple

from relay import backoff

# As a share of the span: rounding errors of a long sum must not block a request.
_TOLERANCE = 1e-9


class Rate(NamedTuple):
    """A number in every span of seconds; `text` as people write it: 50/s."""

    number: int
    seconds: float
    text: str


def rate(text: str) -> Rate:
    """Parse "50/s", "30/m" or "500/h"; raises ValueError for anything else."""
    count, seconds = backoff.parts_of(text)
    return Rate(count, seconds, text.strip())


class TokenBucket:
    """Allows `count` at once, and then one every `seconds / count`. Stores a single float."""

    __slots__ = ("_each", "_full_at", "_span")

    def __init__(self, count: float, seconds: float) -> None:
        self._span = seconds
        self._each = seconds / count
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """Take a token and return 0.0, or return the wait in seconds. `now`: seconds of a monotonic clock."""
        wait = self.wait(now)
        if not wait:
            self._full_at = max(self._full_at, now) + self._each
        return wait

    def wait(self, now: float) -> float:
        """Return the seconds until a token is available; 0.0 if one is available now."""
        wait = max(self._full_at, now) + self._each - now - self._span
        return wait if wait > _TOLERANCE * self._span else 0.0
