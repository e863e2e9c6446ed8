"""Defines filters for dates and times, which return ISO text that every service and filter reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from relay.errors import RelayError
from relay.templating import dates, locales
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import choice, number, plain, text, whole
from relay.templating.fuel import charge, moment

GROUP = "Dates"
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_UNITS = [*_SECONDS, "months", "years", "workdays"]
_PARTS = ["hour", "day", "week", "month", "quarter", "year"]
# The first month of a part of the year, by the month of a date in it.
_FIRST_MONTH: dict[str, Callable[[int], int]] = {
    "month": lambda month: month,
    "quarter": lambda month: (month - 1) // 3 * 3 + 1,
    "year": lambda _: 1,
}
_STYLE = re.compile(r"(short|medium|long|full)(?: (date|time))?")
# The codes of strftime in CLDR's notation.
_SIGNS = {
    "Y": "yyyy", "y": "yy", "m": "MM", "-m": "M", "B": "MMMM", "b": "MMM", "d": "dd", "-d": "d", "e": "d",
    "H": "HH", "-H": "H", "I": "hh", "-I": "h", "M": "mm", "S": "ss", "p": "a", "A": "EEEE", "a": "EEE",
    "j": "DDD", "Z": "zzz", "z": "xx", "V": "ww", "F": "yyyy-MM-dd", "T": "HH:mm:ss", "%": "%", "f": "SSSSSS",
}  # fmt: skip
_SIGN = re.compile(r"%(-?.)|([^%]+)", re.DOTALL)
_MAX_AMOUNT = 10**9


def _zone(name: Any) -> Any:
    return UTC if name is None else dates.zone(name)


def date_parse(value: Any, day_first: bool = False, zone: Any = None, locale: Any = None) -> str:
    return dates.read(value, day_first=day_first, zone=_zone(zone), language=locale).iso


def date_format(value: Any, format: str = "medium", locale: str = "en", zone: Any = None) -> str:  # noqa: A002
    charge(500)
    parsed = dates.read(value)
    at = parsed.at if zone is None or parsed.whole_day else parsed.at.astimezone(dates.zone(zone))
    pattern = text(format, "a format", most=100)
    style = _STYLE.fullmatch(pattern)
    if style:
        part = "date" if parsed.whole_day else style[2]
        pattern = locales.date_pattern(style[1], part, locale)
    try:
        if "%" in pattern:
            pattern = "".join(_cldr(sign) for sign in _SIGN.finditer(pattern))
        return locales.as_date(at, pattern, locale)
    except (ValueError, LookupError, AttributeError) as error:
        raise Unfit("a format like 'short', 'd MMMM yyyy' or '%d.%m.%Y'", format) from error


def _cldr(sign: re.Match[str]) -> str:
    if sign[2]:
        return "'" + sign[2].replace("'", "''") + "'"
    return _SIGNS[sign[1]]


def date_add(value: Any, amount: Any = 0, unit: str = "days", **more: Any) -> str:
    parsed = dates.read(value)
    at = parsed.at
    for name, count in {unit: amount, **more}.items():
        at = _stepped(at, count, _unit(name))
    timed = any(_unit(name) in ("seconds", "minutes", "hours") for name in (unit, *more))
    return dates.Moment(at, whole_day=parsed.whole_day and not timed).iso


def _unit(name: Any) -> str:
    """A unit, also in the singular."""
    return choice(f"{name}s" if isinstance(name, str) and f"{name}s" in _UNITS else name, "a unit", _UNITS)


def _stepped(at: datetime, count: Any, unit: str) -> datetime:
    if unit == "workdays":
        return _after_workdays(at, whole(count, "workdays", least=-2_000, most=2_000))
    if unit in ("months", "years"):
        step = dates.calendar_step(**{unit: whole(count, unit, least=-10_000 * 12, most=10_000 * 12)})
        return dates.in_range(lambda: at + step)
    amount = number(count, f"a number of {unit}")
    if abs(amount) > _MAX_AMOUNT:
        raise Unfit(f"up to {_MAX_AMOUNT} {unit}", count)
    if unit in ("days", "weeks"):
        return dates.in_range(lambda: at + timedelta(**{unit: float(amount)}))
    return dates.in_range(lambda: (at.astimezone(UTC) + timedelta(**{unit: float(amount)})).astimezone(at.tzinfo))


def _after_workdays(at: datetime, count: int) -> datetime:
    charge(10 * abs(count))
    step = timedelta(days=1 if count > 0 else -1)
    while count:
        before = at
        at = dates.in_range(lambda: before + step)  # noqa: B023 - called at once
        count -= (at.weekday() < 5) * (1 if count > 0 else -1)
    return at


def date_diff(value: Any, other: Any, unit: str = "days") -> int | float:
    start, end = dates.read(value).at, dates.read(other).at
    name = _unit(unit)
    if name in ("months", "years"):
        months = dates.calendar_months(start, end)
        return months if name == "months" else int(months / 12)
    if name == "workdays":
        return _workdays(start, end)
    return plain(round(number((end - start).total_seconds()) / _SECONDS[name], 6))


def _workdays(start: datetime, end: datetime) -> int:
    """The weekdays from one day up to the other, which is not counted."""
    if end < start:
        return -_workdays(end, start)
    days = (end.date() - start.date()).days
    weeks, rest = divmod(days, 7)
    return weeks * 5 + sum((start.weekday() + day) % 7 < 5 for day in range(rest))


def date_age(value: Any, to: Any = None, locale: str = "en") -> str:
    charge(400)
    now = moment().replace(microsecond=0) if to is None else dates.read(to).at
    return locales.as_age(dates.read(value).at - now, locale)


def date_zone(value: Any, zone: str = "UTC") -> str:
    parsed, where = dates.read(value), dates.zone(zone)
    if parsed.whole_day:
        return dates.Moment(parsed.at.replace(tzinfo=where)).iso
    return dates.Moment(dates.in_range(lambda: parsed.at.astimezone(where))).iso


def date_start(value: Any, unit: str = "day", zone: Any = None) -> str:
    parsed = dates.read(value)
    name = choice(unit.removesuffix("s") if isinstance(unit, str) else unit, "a unit", _PARTS)
    at = parsed.at if zone is None else dates.in_range(lambda: parsed.at.astimezone(dates.zone(zone)))
    at = at.replace(minute=0, second=0, microsecond=0)
    if name != "hour":
        at = at.replace(hour=0)
    if name == "week":
        at = dates.in_range(lambda: at - timedelta(days=at.weekday()))
    if name in _FIRST_MONTH:
        at = at.replace(day=1, month=_FIRST_MONTH[name](at.month))
    return dates.Moment(at, whole_day=parsed.whole_day).iso


def date_unix(value: Any, unit: str = "seconds") -> int:
    parsed = dates.read(value).at.timestamp()
    return int(parsed if choice(unit, "a unit", ["seconds", "milliseconds"]) == "seconds" else parsed * 1000)


def is_date(value: Any) -> bool:
    try:
        dates.read(value)
    except (Unfit, RelayError):
        return False
    return True


def _load() -> None:
    dates.load()
    locales.load()


FILTERS = {
    "date_add": Filter(
        function=date_add,
        help="Adds seconds, minutes, hours, days, weeks, months, years or workdays to a date; less than 0 subtracts.",
        example="{{ '2024-01-31' | date_add(1, 'months') }}",
        result="2024-02-29",
        takes="amount, unit='days', or months=1, days=-2...",
        load=dates.load,
    ),
    "date_age": Filter(
        function=date_age,
        help="How long ago a date was, or how far ahead it is, in words; from now(), or from `to`.",
        example="{{ '2024-01-01' | date_age(to='2024-01-04') }}",
        result="3 days ago",
        load=_load,
    ),
    "date_diff": Filter(
        function=date_diff,
        help="The time from a date to another, in a unit: days, hours, workdays, months...",
        example="{{ '2024-01-01' | date_diff('2024-01-31') }}",
        result=30,
        load=dates.load,
    ),
    "date_format": Filter(
        function=date_format,
        help="Writes a date: short, medium, long or full (also 'long date', 'short time'), or by a pattern.",
        example="{{ '2024-01-31T10:30:00Z' | date_format('d. MMMM yyyy, HH:mm', 'de', 'Europe/Berlin') }}",
        result="31. Januar 2024, 11:30",
        load=_load,
    ),
    "date_parse": Filter(
        function=date_parse,
        help="Reads a date as people and services write it, as ISO text; 3.1.2024 is in January, 3/1/2024 in March.",
        example="{{ 'Jan 31, 2024 10:30 am' | date_parse }}",
        result="2024-01-31T10:30:00Z",
        load=_load,
    ),
    "date_start": Filter(
        function=date_start,
        help="The start of the hour, day, week, month, quarter or year of a date.",
        example="{{ '2024-01-31T10:30:00Z' | date_start('month') }}",
        result="2024-01-01T00:00:00Z",
        load=dates.load,
    ),
    "date_unix": Filter(
        function=date_unix,
        help="Seconds (or milliseconds) since 1970, as many services expect them.",
        example="{{ '2024-01-31T10:30:00Z' | date_unix }}",
        result=1706697000,
        load=dates.load,
    ),
    "date_zone": Filter(
        function=date_zone,
        help="The same moment in another time zone; a date without a time is midnight there.",
        example="{{ '2024-01-31T10:30:00Z' | date_zone('Europe/Paris') }}",
        result="2024-01-31T11:30:00+01:00",
        load=dates.load,
    ),
    "is_date": Filter(
        function=is_date,
        help="Whether a value can be read as a date.",
        example="{{ 'next week sometime' | is_date }}",
        result=False,
        load=_load,
    ),
}
