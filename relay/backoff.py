"""Computes the delay of the next attempt from the attempt's number and Retry-After; parses durations and rates."""

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
    """Parse "250ms", "10s", "1m", "2h" or "1d" into seconds; raises ValueError over `most` seconds (30 days)."""
    match = _duration(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a time: write a number and ms, s, m, h or d, as 10m")
    value = float(match[1]) * _UNITS[match[2]]
    if value > most:
        raise ValueError(f"{text[:40]!r} is longer than {most / 86_400:g} days")
    return value


def interval(rate: str) -> float:
    """Return the seconds between two requests of "1/s", "30/m" or "500/h"; raises ValueError for anything else."""
    count, seconds = parts_of(rate)
    return seconds / count


def parts_of(rate: str) -> tuple[int, float]:
    """Parse "1/s", "30/m" or "500/h" into a number and seconds; raises ValueError for anything else."""
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
    """Return the seconds until the next attempt; None for no further attempt.

    `attempt`: attempts so far, 1 if the first has just failed. `delays`: seconds, one for each
    retry. `retry_after`: the header of the answer; it can only lengthen the delay. `now`: Unix time,
    for headers with a date. `random(low, high)` draws the jitter.

    The delay is spread over 0.5 to 1.5 of its length. The spread is as wide as with full jitter, so
    that runs that failed together spread out, and the mean is the flow's delay, but no retry
    reaches a destination immediately after a failure.
    """
    if not 1 <= attempt <= len(delays):
        return None
    delay = delays[attempt - 1]
    return max(random(delay * 0.5, delay * 1.5), parse_retry_after(retry_after, now) or 0.0)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Parse a Retry-After header into seconds, at most a day; None if it is invalid."""
    if value is None:
        return None
    number = parse_number(value)
    if number is not None:
        return min(number, MAX_RETRY_AFTER)
    date = _date(value.strip())
    return None if date is None else min(max(date - now, 0.0), MAX_RETRY_AFTER)


def parse_number(value: str) -> float | None:
    """Parse a number of a header, such as "30" or "1.5"; None if it is anything else, such as -1 or 1e9."""
    text = value.strip()
    return float(text) if _decimal(text) else None


def _date(text: str) -> float | None:
    """Parse an HTTP date into Unix time; None if it is invalid."""
    try:
        moment = parsedate_to_datetime(text)
        stamp = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return stamp if math.isfinite(stamp) else None
