"""Starting: flows begin by the clock, by an alert or by hand, with an event as if it had arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings

from relay import queues
from relay.engine import sql
from relay.engine.intake import Arrival, Doors, accept
from relay.errors import RelayError
from relay.flows import schedules
from relay.flows.document import TriggerSettings, trigger_settings
from relay.flows.forms import filled
from relay.models import Event, Flow

_HEADERS = '{"content-type":"application/json"}'


def by_clock(flow: Flow, moment: datetime, *, timezone: str, missed: int) -> int:
    """Let a scheduled moment arrive; the event's id. `missed`: moments before it that nobody was there for."""
    return _let_arrive(flow, "SCHEDULE", body_of(moment, timezone=timezone, missed=missed), "schedule")


def body_of(moment: datetime, *, timezone: str, missed: int) -> dict[str, Any]:
    """The body of the event that a scheduled moment is."""
    return {
        "scheduled_at": moment.isoformat(),
        "scheduled_at_utc": moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "timezone": timezone,
        "missed": missed,
    }


def body_now(trigger: TriggerSettings) -> dict[str, Any]:
    """The same, as if now were a moment of the schedule."""
    now = datetime.now(schedules.zone(trigger.timezone)).replace(microsecond=0)
    return body_of(now, timezone=trigger.timezone, missed=0)


def by_alert(flow: Flow, body: dict[str, Any]) -> int:
    """Let an alert arrive at the flow that is told of issues; the event's id. RelayError where it can't."""
    return _let_arrive(flow, "ALERT", body, "alert")


def by_hand(flow: Flow, given: Mapping[str, Any]) -> Event:
    """Start a flow with what its form was filled in with; RelayError says what is wrong with that."""
    trigger = trigger_of(flow)
    if trigger.kind != "manual":
        raise RelayError("This flow doesn't start by hand: its trigger is not of the kind manual")
    event_id = _let_arrive(flow, "MANUAL", filled(trigger.inputs, given), "hand")
    queues.ring()
    return Event.objects.get(pk=event_id)


def trigger_of(flow: Flow) -> TriggerSettings:
    """The trigger as it is in force: of the live version, else of the draft."""
    return trigger_settings(flow.live_version.document if flow.live_version else flow.draft)


def _let_arrive(flow: Flow, method: str, body: dict[str, Any], remote: str) -> int:
    data = msgspec.json.encode(body)
    if len(data) > settings.MAX_BYTES:
        raise RelayError(f"An event may have {settings.MAX_BYTES} bytes; this one has {len(data)}")
    digest = flow.trigger.token_digest
    arrival = Arrival(digest, method, "", _HEADERS, "application/json", data, remote, sql.now(), is_sample=True)
    accepted = accept([arrival], Doors())[0]
    if accepted.door is None:
        raise RelayError("This flow has no trigger any more")
    return accepted.event_id
