"""Computes when scheduled flows start. The only module that uses cronsim."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from relay import backoff
from relay.errors import Fault
from relay.flows.document import TriggerSettings

MAX_CHARACTERS = 200
MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS = 1.0, 30 * 86_400.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAYS = ("30", "31")
_FIELDS = "minute, hour, day of the month, month, day of the week"


def ticks(trigger: TriggerSettings, after: datetime) -> Iterator[datetime]:
    """The moments later than `after` at which a flow starts, in its time zone. Raises ValueError for a bad schedule.

    When clocks are set forward, a time that doesn't exist moves to the end of the gap; when they are set back, a time
    that occurs twice counts once. Hourly and more frequent schedules are not affected by either.
    """
    if trigger.every:
        return _every(backoff.seconds(trigger.every), after, zone(trigger.timezone))
    return _cron(trigger.cron or "", after, zone(trigger.timezone))


def upcoming(trigger: TriggerSettings, after: datetime, count: int = 5) -> list[datetime]:
    """The next moments, fewer if there are no more; [] for a bad schedule."""
    try:
        return list(islice(ticks(trigger, after), count))
    except ValueError:
        return []


def zone(name: str) -> tzinfo:
    """The time zone of a name. Raises ValueError with a similar name for an unknown one."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        close = difflib.get_close_matches(name[:60], available_timezones(), n=1, cutoff=0.5)
        raise ValueError(
            f"{name[:60]!a} is not a time zone{f'; did you mean {close[0]}?' if close else ', as Europe/Paris is'}"
        ) from None


def _every(seconds: float, after: datetime, timezone: tzinfo) -> Iterator[datetime]:
    """Yields whole intervals since 1970, so that moments don't depend on when the flow was published."""
    if not MIN_INTERVAL_SECONDS <= seconds <= MAX_INTERVAL_SECONDS:
        raise ValueError("is between 1s and 30d")
    step = timedelta(seconds=seconds)
    moment = _EPOCH + ((after - _EPOCH) // step) * step
    while True:
        moment += step
        if moment > after:
            yield moment.astimezone(timezone)


def _cron(expression: str, after: datetime, timezone: tzinfo) -> Iterator[datetime]:
    if len(expression) > MAX_CHARACTERS or len(expression.split()) != 5 or not expression.isascii():
        raise ValueError(f"has five parts: {_FIELDS}; 0 9 * * 1-5 is 9:00 on working days")
    try:
        schedule = CronSim(expression, after.astimezone(timezone))
    except CronSimError as error:
        if str(error) == "Bad day-of-month" and expression.split()[2] in _LAST_DAYS:
            raise ValueError("there is no such day in these months") from None
        part = str(error).removeprefix("Bad ").replace("-of-", " of the ")
        raise ValueError(f"{part} can't be read; the parts are {_FIELDS}") from None
    # In the hour that occurs twice, local time alone does not show whether a moment is past.
    return (moment for moment in schedule if moment.astimezone(UTC) > after)


def faults(trigger: TriggerSettings) -> Iterator[Fault]:
    """Yields the faults of a schedule."""
    if bool(trigger.cron) == bool(trigger.every):
        yield Fault("trigger.cron", "either cron or every says when it starts")
        return
    try:
        zone(trigger.timezone)
    except ValueError as error:
        yield Fault("trigger.timezone", str(error))
        return
    try:
        if next(ticks(trigger, datetime.now(UTC)), None) is None:
            yield Fault("trigger.cron", "there is no such day, within 50 years")
    except ValueError as error:
        yield Fault("trigger.every" if trigger.every else "trigger.cron", str(error))
