"""When to try again: attempt number and Retry-After in, seconds or never out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import uniform

DEFAULT_DELAYS = ("10s", "1m", "10m", "1h", "6h", "24h")
MAX_DELAY = 30 * 86_400.0
MAX_RETRY_AFTER = 86_400.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_duration = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(ms|s|m|h|d)").fullmatch
_rate = re.compile(r"([0-9]{1,6})\s*/\s*([smh])").fullmatch
_decimal = re.compile(r"[0-9]+(?:\.[0-9]+)?").fullmatch


def seconds(text: str, *, most: float = MAX_DELAY) -> float:
    """Seconds of "250ms", "10s", "1m", "2h" or "1d"; ValueError for all else and over `most` seconds (30 days)."""
    match = _duration(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a time: write a number and ms, s, m, h or d, as 10m")
    value = float(match[1]) * _UNITS[match[2]]
    if value > most:
        raise ValueError(f"{text[:40]!r} is longer than {most / 86_400:g} days")
    return value


def interval(rate: str) -> float:
    """Seconds between two requests of "1/s", "30/m" or "500/h"; ValueError for all else."""
    count, seconds = parts_of(rate)
    return seconds / count


def parts_of(rate: str) -> tuple[int, float]:
    """The number and the seconds of "1/s", "30/m" or "500/h"; ValueError for all else."""
    match = _rate(rate.strip())
    if match is None or not int(match[1]):
        raise ValueError(f"{rate[:40]!r} is not a rate: write a number, / and s, m or h, as 30/m")
    return int(match[1]), _UNITS[match[2]]


def next_delay(
    attempt: int,
    delays: Sequence[float],
    retry_after: str | None,
    *,
    now: float,
    random: Callable[[float, float], float] = uniform,
) -> float | None:
    """Seconds until the next try, or None: never.

    `attempt`: tries made so far, 1 when the first has just failed. `delays`: seconds, one per
    retry. `retry_after`: the header as answered; a floor, never a shortcut. `now`: Unix time, for
    headers that name a date. `random(low, high)` draws the jitter.

    The delay is spread over half to one and a half of its length: the spread is as wide as full
    jitter's, so runs that failed together come apart, and the mean stays what the flow says, but
    no retry comes at once to a destination that has just failed.
    """
    if not 1 <= attempt <= len(delays):
        return None
    delay = delays[attempt - 1]
    return max(random(delay * 0.5, delay * 1.5), parse_retry_after(retry_after, now) or 0.0)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, at most a day; None where it can't be read."""
    if value is None:
        return None
    text = value.strip()
    if _decimal(text):
        return min(float(text), MAX_RETRY_AFTER)
    asked = _date(text)
    return None if asked is None else min(max(asked - now, 0.0), MAX_RETRY_AFTER)


def _date(text: str) -> float | None:
    """The Unix time of an HTTP date."""
    try:
        moment = parsedate_to_datetime(text)
        stamp = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return stamp if math.isfinite(stamp) else None
