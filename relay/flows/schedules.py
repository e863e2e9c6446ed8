"""Schedules: when a flow that starts by the clock starts. The only door to cronsim."""

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

MOST_CHARACTERS = 200
FASTEST, SLOWEST = 1.0, 30 * 86_400.0  # seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAYS = ("30", "31")
_FIELDS = "minute, hour, day of the month, month, day of the week"


def ticks(trigger: TriggerSettings, after: datetime) -> Iterator[datetime]:
    """The moments at which a flow starts, later than `after`, in its time zone; ValueError where they can't be read.

    Where clocks are set forward, a time that doesn't exist comes right after the gap; where they are set back, a time
    that comes twice counts once. Jobs of every hour or every few minutes go on through both.
    """
    if trigger.every:
        return _every(backoff.seconds(trigger.every), after, zone(trigger.timezone))
    return _cron(trigger.cron or "", after, zone(trigger.timezone))


def upcoming(trigger: TriggerSettings, after: datetime, count: int = 5) -> list[datetime]:
    """The next moments, fewer where there are no more; [] where they can't be read."""
    try:
        return list(islice(ticks(trigger, after), count))
    except ValueError:
        return []


def zone(name: str) -> tzinfo:
    """The time zone of that name; ValueError with a near one where there is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        close = difflib.get_close_matches(name[:60], available_timezones(), n=1, cutoff=0.5)
        raise ValueError(
            f"{name[:60]!a} is not a time zone{f'; did you mean {close[0]}?' if close else ', as Europe/Paris is'}"
        ) from None


def _every(seconds: float, after: datetime, where: tzinfo) -> Iterator[datetime]:
    """Whole intervals since 1970, so that a moment doesn't depend on when the flow was published."""
    if not FASTEST <= seconds <= SLOWEST:
        raise ValueError("is between 1s and 30d")
    step = timedelta(seconds=seconds)
    moment = _EPOCH + ((after - _EPOCH) // step) * step
    while True:
        moment += step
        if moment > after:
            yield moment.astimezone(where)


def _cron(expression: str, after: datetime, where: tzinfo) -> Iterator[datetime]:
    if len(expression) > MOST_CHARACTERS or len(expression.split()) != 5 or not expression.isascii():
        raise ValueError(f"has five parts: {_FIELDS}; 0 9 * * 1-5 is 9:00 on working days")
    try:
        made = CronSim(expression, after.astimezone(where))
    except CronSimError as error:
        if str(error) == "Bad day-of-month" and expression.split()[2] in _LAST_DAYS:
            raise ValueError("there is no such day in these months") from None
        wrong = str(error).removeprefix("Bad ").replace("-of-", " of the ")
        raise ValueError(f"{wrong} can't be read; the parts are {_FIELDS}") from None
    # In the hour that comes twice a clock alone doesn't tell whether a moment is past.
    return (moment for moment in made if moment.astimezone(UTC) > after)


def faults(trigger: TriggerSettings) -> Iterator[Fault]:
    """What is wrong with the times of a schedule."""
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
