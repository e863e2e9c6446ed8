"""Starts scheduled flows, once for each scheduled time, however many processes check them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

import msgspec
import structlog

from relay import queues
from relay.engine.database import statements
from relay.engine.database.write_lock import write_transaction
from relay.engine.intake import event_store, internal_events
from relay.engine.intake.event_store import Prepared, TriggerCache
from relay.errors import RelayError
from relay.flows.document import TriggerSettings, trigger_settings
from relay.flows.schedules import ticks
from relay.models import Flow, Schedule
from relay.models.fields import micros, moment

log = structlog.get_logger()

ROUND_FLOWS = 100  # flows of one round
MAX_STARTS = 60  # of one flow in one round
MAX_COUNTED = 1_000  # missed times that are counted one by one
_INSTANT = timedelta(microseconds=1)
# Seconds by which a start may be late and still count as on time: before the next scheduled time, and after it.
MAX_LATE, MAX_LATE_OVERTAKEN = 60.0, 3.0


def plan(flow: Flow) -> None:
    """Calculate when a flow starts next by its live version, in the transaction that publishes it."""
    trigger = trigger_settings(flow.live_version.document if flow.live_version else {})
    if trigger.kind != "schedule":
        Schedule.objects.filter(flow=flow).delete()
        return
    times = msgspec.json.encode([trigger.cron, trigger.every, trigger.timezone]).decode()[:400]
    # Published with the same times: what is due stays due.
    if not Schedule.objects.filter(flow=flow, times=times).exists():
        following = next(ticks(trigger, moment(statements.now())), None)
        Schedule.objects.update_or_create(flow=flow, defaults={"next_at": following, "times": times})


def tick() -> None:
    """Start the flows that are due. One round of upkeep."""
    due = statements.fetch(
        f"SELECT flow_id, next_at FROM relay_schedule WHERE next_at <= %s ORDER BY next_at LIMIT {ROUND_FLOWS}",
        (statements.now(),),
    )
    started = 0
    for flow_id, next_at in due:
        try:
            started += _start(flow_id, next_at)
        except (RelayError, ValueError) as error:
            # One flow fails; the others keep their times.
            log.exception("schedule.broke", flow=flow_id, reason=str(error))
    if started:
        queues.wake_worker()


def _start(flow_id: int, next_at: int) -> int:
    """Start a flow for the scheduled times that have passed; return the number of starts."""
    flow = Flow.objects.select_related("live_version", "trigger").get(pk=flow_id)
    trigger = trigger_settings(flow.live_version.document if flow.live_version else {})
    first = moment(next_at)
    now = moment(statements.now())
    times, missed, following = _times(trigger, first, now)
    after = micros(following) if following else None
    for _ in range(event_store.MAX_PREPARATIONS):
        prepared = [] if flow.paused else _prepare(flow, trigger, times, missed)
        with contextlib.suppress(_TriggerChanged):
            return _store(flow_id, next_at, after, prepared)
    raise RelayError("Triggers change too often: the flow starts in the next round")


class _TriggerChanged(Exception):
    """A trigger has changed after the events were prepared."""


def _prepare(flow: Flow, trigger: TriggerSettings, times: list[datetime], missed: int) -> list[Prepared]:
    cached = TriggerCache().find(flow.trigger.token_digest)
    return [
        internal_events.prepare_scheduled(flow, at, cached, timezone=trigger.timezone, missed=missed) for at in times
    ]


def _store(flow_id: int, next_at: int, after: int | None, prepared: list[Prepared]) -> int:
    """Claim a flow's scheduled times and store their events, or neither; return the number of events."""
    with write_transaction():
        statement = "UPDATE relay_schedule SET next_at = %s WHERE flow_id = %s AND next_at = %s"
        if not statements.execute(statement, (after, flow_id, next_at)):
            return 0
        if any(result.is_stale for result in event_store.store(prepared)):
            raise _TriggerChanged
    return len(prepared)


def _times(trigger: TriggerSettings, first: datetime, now: datetime) -> tuple[list[datetime], int, datetime | None]:
    """The times to start for, how many were missed before them, and the next time after now."""
    following = next(ticks(trigger, now), None)
    due = _due(trigger, first, now)
    on_time = [at for at, after in zip(due, [*due[1:], None], strict=True) if _is_on_time(at, after, now)]
    missed = len(due) - len(on_time)
    if not on_time and due and trigger.catch_up == "one":
        return [due[-1]], missed - 1, following
    return on_time[-MAX_STARTS:], missed, following


def _due(trigger: TriggerSettings, first: datetime, now: datetime) -> list[datetime]:
    """The scheduled times that have passed; after a long outage the first of them, and those of the last day."""
    due = list(islice(_until(trigger, first, now), MAX_COUNTED))
    if len(due) == MAX_COUNTED:
        due += _until(trigger, max(due[-1] + _INSTANT, now - timedelta(days=1)), now)
    return due


def _until(trigger: TriggerSettings, first: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda at: at <= now, ticks(trigger, first - _INSTANT))


def _is_on_time(at: datetime, after: datetime | None, now: datetime) -> bool:
    late = (now - at).total_seconds()
    return late <= (MAX_LATE if after is None else MAX_LATE_OVERTAKEN)
