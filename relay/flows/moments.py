"""Moments of a flow: until when a step waits, in microseconds since 1970, told by people in a time zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from relay import backoff
from relay.errors import RelayError
from relay.templating import dates
from relay.templating.filters.definition import Unfit

LONGEST = 366 * 86_400.0  # seconds that a run may wait

_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def zone(name: str) -> tzinfo:
    """The time zone of that name (`Europe/Paris`); RelayError where there is none."""
    try:
        return dates.zone(name)
    except Unfit as error:
        raise RelayError(f"{name[:40]!r} is not a time zone: it is {error.need}") from None


def time_of_day(text: Any) -> time:
    """`18:30`; RelayError for all else."""
    match = _OF_DAY.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise RelayError(f"{str(text)[:40]!r} is not a time of day, as 18:30")
    return time(int(match[1]), int(match[2]))


def times_of_day(value: Any) -> list[time]:
    """One time of day or a list of them; RelayError for all else."""
    return [
        time_of_day(one) for one in ([] if value is None else value if isinstance(value, list | tuple) else [value])
    ]


def after(duration: Any, *, now: int) -> int:
    """The moment a duration (`10m`, or a number of seconds) after `now`."""
    text = f"{duration}s" if isinstance(duration, int | float) and not isinstance(duration, bool) else str(duration)
    try:
        return now + int(backoff.seconds(text, most=LONGEST) * 1e6)
    except ValueError as error:
        raise RelayError(str(error)) from None


def until(value: Any, *, now: int, place: tzinfo) -> int:
    """The moment that a value says: a date as any filter reads it, or a time of day, which is the next one."""
    if isinstance(value, str) and _OF_DAY.fullmatch(value.strip()):
        return next_of_day([time_of_day(value)], now=now, place=place)
    try:
        found = dates.read(value, zone=place).at
        moment = int(found.astimezone(UTC).timestamp() * 1e6)
    except (Unfit, OverflowError, ValueError):
        shown = "null" if value is None else repr(str(value)[:60])
        raise RelayError(f"{shown} is not a date: write it as 2026-01-31 08:30, or a time as 08:30") from None
    if moment - now > LONGEST * 1e6:
        raise RelayError(f"A run waits a year at most, and {str(value)[:60]} is later")
    return moment


def next_of_day(times: Sequence[time], *, now: int, place: tzinfo) -> int:
    """The first moment after `now` at which a clock in that zone shows one of the times."""
    today = datetime.fromtimestamp(now / 1e6, place).date()
    moments = [_at(today + timedelta(days=ahead), of_day, place) for ahead in (0, 1, 2) for of_day in times]
    return min(moment for moment in moments if moment > now)


def _at(day: date, of_day: time, place: tzinfo) -> int:
    return int(datetime.combine(day, of_day, place).timestamp() * 1e6)


def told(moment: int, place: tzinfo) -> str:
    """A moment for people: `2026-01-31 08:30:00 CET`."""
    return datetime.fromtimestamp(moment / 1e6, place).strftime("%Y-%m-%d %H:%M:%S %Z")


def iso(moment: int, place: tzinfo) -> str:
    """A moment for templates, with its offset: `2026-01-31T08:30:00+01:00`."""
    return datetime.fromtimestamp(moment / 1e6, place).isoformat(timespec="seconds")
