"""Schedules: flows that start by the clock are started here, each moment once, however many processes look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

import msgspec
import structlog

from relay import queues
from relay.engine import sql, starting
from relay.engine.turns import writing
from relay.errors import RelayError
from relay.flows.document import TriggerSettings, trigger_settings
from relay.flows.schedules import ticks
from relay.models import Flow, Schedule
from relay.models.fields import micros, moment

log = structlog.get_logger()

BATCH = 100  # flows of one round
MOST_AT_ONCE = 60  # moments of one flow and round
MOST_COUNTED = 1_000  # missed moments that are counted one by one
_INSTANT = timedelta(microseconds=1)
# Seconds by which a moment may be late and still be on time: before the next one has come, and after.
ON_TIME, OVERTAKEN = 60.0, 3.0


def plan(flow: Flow) -> None:
    """Reckon when a flow starts next, from what is live; within the transaction that publishes it."""
    trigger = trigger_settings(flow.live_version.document if flow.live_version else {})
    if trigger.kind != "schedule":
        Schedule.objects.filter(flow=flow).delete()
        return
    times = msgspec.json.encode([trigger.cron, trigger.every, trigger.timezone]).decode()[:400]
    # Published with the same times: what is due stays due.
    if not Schedule.objects.filter(flow=flow, times=times).exists():
        following = next(ticks(trigger, moment(sql.now())), None)
        Schedule.objects.update_or_create(flow=flow, defaults={"next_at": following, "times": times})


def go_on() -> None:
    """One round of upkeep: start what is due."""
    due = sql.fetch(
        f"SELECT flow_id, next_at FROM relay_schedule WHERE next_at <= %s ORDER BY next_at LIMIT {BATCH}", (sql.now(),)
    )
    started = 0
    for flow_id, next_at in due:
        try:
            started += _start(flow_id, next_at)
        except (RelayError, ValueError) as error:
            # Of one flow; the others' times are kept.
            log.exception("schedule.broke", flow=flow_id, reason=str(error))
    if started:
        queues.ring()


def _start(flow_id: int, next_at: int) -> int:
    """Start a flow for the moments that have come; how often."""
    flow = Flow.objects.select_related("live_version", "trigger").get(pk=flow_id)
    trigger = trigger_settings(flow.live_version.document if flow.live_version else {})
    first = moment(next_at)
    now = moment(sql.now())
    come, missed, following = _come(trigger, first, now)
    with writing():
        after = micros(following) if following else None
        statement = "UPDATE relay_schedule SET next_at = %s WHERE flow_id = %s AND next_at = %s"
        if not sql.execute(statement, (after, flow_id, next_at)):
            return 0
        if flow.paused:
            return 0
        for one in come:
            starting.by_clock(flow, one, timezone=trigger.timezone, missed=missed)
    return len(come)


def _come(trigger: TriggerSettings, first: datetime, now: datetime) -> tuple[list[datetime], int, datetime | None]:
    """The moments to start for, how many were missed before them, and the one after now."""
    following = next(ticks(trigger, now), None)
    due = _due(trigger, first, now)
    come = [one for one, after in zip(due, [*due[1:], None], strict=True) if _is_on_time(one, after, now)]
    missed = len(due) - len(come)
    if not come and due and trigger.catch_up == "one":
        return [due[-1]], missed - 1, following
    return come[-MOST_AT_ONCE:], missed, following


def _due(trigger: TriggerSettings, first: datetime, now: datetime) -> list[datetime]:
    """The moments that have come; after a long absence the first of them, and those of the last day."""
    due = list(islice(_until(trigger, first, now), MOST_COUNTED))
    if len(due) == MOST_COUNTED:
        due += _until(trigger, max(due[-1] + _INSTANT, now - timedelta(days=1)), now)
    return due


def _until(trigger: TriggerSettings, first: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda one: one <= now, ticks(trigger, first - _INSTANT))


def _is_on_time(one: datetime, after: datetime | None, now: datetime) -> bool:
    late = (now - one).total_seconds()
    return late <= (ON_TIME if after is None else OVERTAKEN)
