"""Computes until when a step waits, from durations, dates and times of day in a time zone.

Moments are in microseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from relay import backoff
from relay.errors import RelayError
from relay.templating import dates
from relay.templating.filters.definition import Unfit

MAX_WAIT_SECONDS = 366 * 86_400.0

_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def zone(name: str) -> tzinfo:
    """The time zone of a name such as `Europe/Paris`. Raises RelayError for an unknown name."""
    try:
        return dates.zone(name)
    except Unfit as error:
        raise RelayError(f"{name[:40]!r} is not a time zone: it is {error.need}") from None


def time_of_day(text: Any) -> time:
    """Parses `18:30`. Raises RelayError for anything else."""
    match = _OF_DAY.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise RelayError(f"{str(text)[:40]!r} is not a time of day, as 18:30")
    return time(int(match[1]), int(match[2]))


def times_of_day(value: Any) -> list[time]:
    """Parses a time of day or a list of them; [] for None. Raises RelayError for anything else."""
    return [
        time_of_day(text) for text in ([] if value is None else value if isinstance(value, list | tuple) else [value])
    ]


def after(duration: Any, *, now: int) -> int:
    """The moment that is a duration (`10m`, or a number of seconds) after `now`. Raises RelayError."""
    text = f"{duration}s" if isinstance(duration, int | float) and not isinstance(duration, bool) else str(duration)
    try:
        return now + int(backoff.seconds(text, most=MAX_WAIT_SECONDS) * 1e6)
    except ValueError as error:
        raise RelayError(str(error)) from None


def until(value: Any, *, now: int, zone: tzinfo) -> int:
    """The moment of a date, in any form that filters read, or the next moment at a time of day. Raises RelayError."""
    if isinstance(value, str) and _OF_DAY.fullmatch(value.strip()):
        return next_of_day([time_of_day(value)], now=now, zone=zone)
    try:
        date = dates.read(value, zone=zone).at
        moment = int(date.astimezone(UTC).timestamp() * 1e6)
    except (Unfit, OverflowError, ValueError):
        shown = "null" if value is None else repr(str(value)[:60])
        raise RelayError(f"{shown} is not a date: write it as 2026-01-31 08:30, or a time as 08:30") from None
    if moment - now > MAX_WAIT_SECONDS * 1e6:
        raise RelayError(f"A run waits a year at most, and {str(value)[:60]} is later")
    return moment


def next_of_day(times: Sequence[time], *, now: int, zone: tzinfo) -> int:
    """The first moment after `now` at which a clock in the time zone shows one of the times."""
    today = datetime.fromtimestamp(now / 1e6, zone).date()
    moments = [_at(today + timedelta(days=ahead), of_day, zone) for ahead in (0, 1, 2) for of_day in times]
    return min(moment for moment in moments if moment > now)


def _at(day: date, of_day: time, zone: tzinfo) -> int:
    return int(datetime.combine(day, of_day, zone).timestamp() * 1e6)


def as_text(moment: int, zone: tzinfo) -> str:
    """A moment as people read it: `2026-01-31 08:30:00 CET`."""
    return datetime.fromtimestamp(moment / 1e6, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def iso(moment: int, zone: tzinfo) -> str:
    """A moment as templates get it, with its offset: `2026-01-31T08:30:00+01:00`."""
    return datetime.fromtimestamp(moment / 1e6, zone).isoformat(timespec="seconds")
