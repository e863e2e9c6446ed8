"""Formats times and durations for pages in the reader's time zone, and reads the time in an id."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from relay import ids
from relay.models.fields import moment

_UNITS = ((60.0, 1, "s"), (3600.0, 60, "min"), (86400.0, 3600, "h"), (float("inf"), 86400, "d"))
ZONE_COOKIE = "zone"
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}")
ID_SHIFT = 22  # an id's low bits: node and sequence


def now() -> datetime:
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC for any other text."""
    try:
        return ZoneInfo(name if _ZONE.fullmatch(name) else "UTC")
    except (KeyError, OSError, ValueError):  # no zone, or a folder of zones
        return ZoneInfo("UTC")


def exact(when: datetime) -> str:
    """Return a time in the reader's zone: `2026-03-01 14:05:09 CET`."""
    return timezone.localtime(when).strftime("%Y-%m-%d %H:%M:%S %Z")


def day_range(since: str, until: str) -> dict[str, str]:
    """Return a filter of days in the reader's zone as `relay.search.filters` takes it: days in UTC, or moments."""
    if timezone.get_current_timezone_name() == "UTC":
        return {"since": since, "until": until}
    return {"since": _midnight(since, 0), "until": _midnight(until, 1)}


def _midnight(day: str, days_later: int) -> str:
    if not day:
        return ""
    try:
        first = date.fromisoformat(day) + timedelta(days=days_later)
        return datetime.combine(first, time(), timezone.get_current_timezone()).astimezone(UTC).isoformat()
    except (OverflowError, ValueError):
        return day


def created_at(number: int) -> datetime:
    """Return when an id was made: its upper bits are milliseconds."""
    return moment(((number >> ID_SHIFT) + ids.EPOCH_MS) * 1000)


def ago(when: datetime, *, at: datetime) -> str:
    """Return the time between `when` and `at` in words: `3 min ago`, `in 2 h`, `now`."""
    seconds = (at - when).total_seconds()
    size = abs(seconds)
    if size < 1:
        return "now"
    unit, name = next((unit, name) for end, unit, name in _UNITS if size < end)
    words = f"{int(size // unit)} {name}"
    return f"in {words}" if seconds < 0 else f"{words} ago"


def duration(seconds: float) -> str:
    """Return a duration in words: `34 ms`, `2.1 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {name}" + (f" {rest} {part_name}" if rest else "")
    return f"{whole} s"
