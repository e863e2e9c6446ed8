"""Reads dates as people and services write them, and time zones. The only module that uses dateutil."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from relay.errors import TemplateError
from relay.templating import locales
from relay.templating.filters.definition import Unfit
from relay.templating.filters.reading import number, text
from relay.templating.fuel import charge, moment
from relay.templating.suggestions import near_names, or_words

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

_MILLISECONDS = 10**11
_LATEST = 253_402_300_799
_DIGITS = re.compile(r"-?\d{9,13}(\.\d{1,9})?")
_DAY_FIRST = re.compile(r"\d{1,2}\.\s?\d{1,2}\.\s?\d{2,4}\b")
# Browsers write GMT+0100 (Central European Standard Time), which is ahead of UTC; dateutil reads it as behind.
_AHEAD = re.compile(r"\b(?:GMT|UTC) ?([+-])(\d{1,2})(?::?(\d\d))?\b(?: \([^()]*\))?")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{1,40}")
_WORDS = {"today": 0, "tomorrow": 1, "yesterday": -1}
# Hours from UTC. Of an abbreviation with several meanings (IST, BST...), the most common one.
_ABBREVIATIONS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "IST": 5.5, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11,
    "NZST": 12, "NZDT": 13,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time with its zone. `whole_day`: a date without a time."""

    at: datetime
    whole_day: bool = False

    @property
    def iso(self) -> str:
        """2026-01-31, or 2026-01-31T08:30:00Z."""
        if self.whole_day:
            return self.at.date().isoformat()
        spec = "milliseconds" if self.at.microsecond else "seconds"
        return self.at.isoformat(timespec=spec).replace("+00:00", "Z")


def load() -> None:
    """Imports dateutil, which takes 35 ms and 2 MB, once."""
    import dateutil.parser
    import dateutil.relativedelta  # noqa: F401


def read(value: Any, *, day_first: bool = False, zone: tzinfo = UTC, language: Any = None) -> Moment:
    """Reads ISO text, seconds or milliseconds since 1970, or a date as people write it; by default in `zone`."""
    charge(10)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Moment(_since_1970(value, zone))
    if not isinstance(value, str) or not value.strip():
        raise Unfit(
            "a date", value, "; | default(now(), true) takes the present where there is none" if not value else ""
        )
    try:
        return _from_text(text(value, "a date", most=100).strip(), day_first, zone, language)
    except (ValueError, OverflowError, TypeError) as error:
        raise Unfit("a date", value) from error


def _since_1970(value: Any, zone: tzinfo) -> datetime:
    seconds = number(value, "a date as seconds since 1970")
    if abs(seconds) >= _MILLISECONDS:
        seconds /= 1000
    if abs(seconds) > _LATEST:
        raise Unfit("a date of the years 1 to 9999", value)
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))).astimezone(zone)


def _from_text(source: str, day_first: bool, zone: tzinfo, language: Any) -> Moment:
    if _DIGITS.fullmatch(source):
        return Moment(_since_1970(source, zone))
    word = source.lower()
    if word == "now":
        return Moment(moment().astimezone(zone))
    if word in _WORDS:
        day = moment().astimezone(zone) + timedelta(days=_WORDS[word])
        return Moment(day.replace(hour=0, minute=0, second=0, microsecond=0), whole_day=True)
    return _iso(source, zone) or _parse_freely(source, day_first or bool(_DAY_FIRST.match(source)), zone, language)


def _iso(source: str, zone: tzinfo) -> Moment | None:
    if not source[:4].isdecimal() or (source.isdecimal() and len(source) != 8):
        return None
    try:
        return Moment(datetime.combine(date.fromisoformat(source), datetime.min.time(), zone), whole_day=True)
    except ValueError:
        pass
    try:
        parsed = datetime.fromisoformat(source)
    except ValueError:
        return None
    return Moment(parsed if parsed.tzinfo else parsed.replace(tzinfo=zone))


def _parse_freely(source: str, day_first: bool, zone: tzinfo, language: Any) -> Moment:
    """Parses with dateutil twice, with different defaults: parts that differ are missing in the text."""
    from dateutil import parser

    charge(1_000 + 40 * len(source))
    if source.count(".") < 2 and source.replace(".", "").isdecimal() and len(source) != 14:
        raise ValueError
    source = _AHEAD.sub(lambda match: f"{match[1]}{match[2]:0>2}:{match[3] or '00'}", source)
    english = source if language in (None, "en") else _in_english(source, language)
    first, second = (
        parser.parse(english, default=default, dayfirst=day_first, tzinfos=_offset)
        for default in (datetime(2000, 1, 1), datetime(2004, 2, 2, 1, 1, 1, 1))  # noqa: DTZ001 - the zone is added below
    )
    timed = first.hour == second.hour
    return Moment(_with_defaults(first, second, timed, first.tzinfo or zone), whole_day=not timed)


def _with_defaults(first: datetime, second: datetime, timed: bool, zone: tzinfo) -> datetime:
    """Fills in missing parts: the current year, the first day of the month, or today for a time alone."""
    today = moment().astimezone(zone)
    month, day = first.month == second.month, first.day == second.day
    if not month and not (timed and not day):
        raise ValueError
    year = first.year if first.year == second.year else today.year
    if not month:
        return first.replace(year=today.year, month=today.month, day=today.day, tzinfo=zone)
    return first.replace(year=year, day=first.day if day else 1, tzinfo=zone)


def _offset(name: str | None, seconds: int | None) -> tzinfo | None:
    if seconds is not None:
        return UTC if seconds == 0 else timezone(timedelta(seconds=seconds))
    if name is None:
        return None
    hours = _ABBREVIATIONS.get(name.upper())
    if hours is None:
        raise Unfit("a date with a time zone like +02:00, UTC or CET", name)
    return timezone(timedelta(hours=hours))


def _in_english(source: str, language: Any) -> str:
    """The text with the months of a language in English, and without other words."""
    months = locales.month_names(language)
    english = "jan feb mar apr may jun jul aug sep oct nov dec".split()

    def month(word: re.Match[str]) -> str:
        number_ = months.get(word[0].lower())
        if number_:
            return english[number_ - 1]
        return word[0] if word[0].lower() in ("h", "am", "pm", "t", "z") or word[0].upper() in _ABBREVIATIONS else " "

    return re.sub(r"[^\W\d_]+", month, source)


@lru_cache(maxsize=1)
def zone_names() -> list[str]:
    return files("tzdata").joinpath("zones").read_text().split()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    charge(2_500)
    return ZoneInfo(name) if name in zone_names() else None


def zone(name: Any) -> tzinfo:
    """The time zone of a name such as `Europe/Paris` or `UTC`."""
    zone_ = _zone(name) if isinstance(name, str) and _ZONE.fullmatch(name) else None
    if zone_ is None:
        similar = near_names(name, zone_names()) if isinstance(name, str) else []
        raise Unfit(f"a time zone like {or_words(similar) if similar else 'Europe/Paris or UTC'}", name)
    return zone_


def in_range(change: Callable[[], datetime]) -> datetime:
    """The result of `change`. Raises TemplateError outside of the years 1 to 9999."""
    try:
        return change()
    except (OverflowError, ValueError) as error:
        raise TemplateError("the date would be outside of the years 1 to 9999") from error


def calendar_step(**parts: int) -> relativedelta:
    """Years, months and days as a calendar counts them: a month after 31 January is the end of February."""
    from dateutil.relativedelta import relativedelta

    return relativedelta(**parts)  # type: ignore[arg-type]


def calendar_months(start: datetime, end: datetime) -> int:
    """The number of whole months between two dates."""
    from dateutil.relativedelta import relativedelta

    between = relativedelta(end, start)
    return between.years * 12 + between.months
