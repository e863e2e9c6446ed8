"""Starts flows by schedule, by alert or by hand, with an event as if a request had arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings

from relay import queues
from relay.bodies import numerals
from relay.engine.database import statements
from relay.engine.intake.event_data import MAX_HOPS, EventData
from relay.engine.intake.event_store import Arrival, CachedTrigger, Prepared, TriggerCache, accept, prepare
from relay.engine.intake.stored_request import StoredRequest
from relay.errors import RelayError
from relay.flows import schedules
from relay.flows.document import TriggerSettings, trigger_settings
from relay.flows.forms import fill_in
from relay.models import Event, Flow

_NONE: Mapping[str, str] = {}


def prepare_scheduled(
    flow: Flow, at: datetime, trigger: CachedTrigger | None, *, timezone: str, missed: int
) -> Prepared:
    """Prepare the event of a scheduled time, for `store`. `missed`: earlier times at which Relay did not run."""
    body = schedule_body(at, timezone=timezone, missed=missed)
    prepared = prepare(_arrival(flow, "SCHEDULE", body, "schedule"), trigger)
    if prepared is None:
        raise _no_trigger()
    return prepared


def schedule_body(moment: datetime, *, timezone: str, missed: int) -> dict[str, Any]:
    """The body of the event of a scheduled time."""
    return {
        "scheduled_at": moment.isoformat(),
        "scheduled_at_utc": moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "timezone": timezone,
        "missed": missed,
    }


def schedule_body_now(trigger: TriggerSettings) -> dict[str, Any]:
    """The body of a scheduled event, as if it were due now."""
    now = datetime.now(schedules.zone(trigger.timezone)).replace(microsecond=0)
    return schedule_body(now, timezone=trigger.timezone, missed=0)


def start_by_alert(flow: Flow, body: dict[str, Any], cause: EventData | None) -> int:
    """Start the alert flow for an issue; returns the event's id. RelayError if it can't be started.

    `cause`: the event whose run failed last. The alert counts as a call from that event's flow, so an alert flow that
    makes other flows fail, and is started for those failures too, does not loop without end.
    """
    return _store(flow, "ALERT", body, "alert", _called_by(cause) if cause else {})


def _called_by(event: EventData) -> dict[str, str]:
    hops, budget = event.hops + 1, event.budget // 2
    if hops > MAX_HOPS or not budget:
        raise RelayError("Flows and alerts that call each other in circles end here")
    return {"relay-hops": str(hops), "relay-budget": str(budget)}


def start_by_hand(flow: Flow, form: Mapping[str, Any]) -> Event:
    """Start a flow with the values of its form; RelayError names what is wrong with them."""
    trigger = trigger_of(flow)
    if trigger.kind != "manual":
        raise RelayError("This flow doesn't start by hand: its trigger is not of the kind manual")
    event_id = _store(flow, "MANUAL", fill_in(trigger.inputs, form), "hand")
    queues.wake_worker()
    return Event.objects.get(pk=event_id)


def trigger_of(flow: Flow) -> TriggerSettings:
    """The settings of the trigger: of the live version, else of the draft."""
    return trigger_settings(flow.live_version.document if flow.live_version else flow.draft)


def _store(flow: Flow, method: str, body: dict[str, Any], remote: str, headers: Mapping[str, str] = _NONE) -> int:
    accepted = accept([_arrival(flow, method, body, remote, headers)], TriggerCache())[0]
    if accepted.trigger is None:
        raise _no_trigger()
    return accepted.event_id


def _arrival(flow: Flow, method: str, body: dict[str, Any], remote: str, headers: Mapping[str, str] = _NONE) -> Arrival:
    data = numerals.encode(body)
    if len(data) > settings.MAX_BYTES:
        raise RelayError(f"An event may have {settings.MAX_BYTES} bytes; this one has {len(data)}")
    digest = flow.trigger.token_digest
    header_text = msgspec.json.encode({"content-type": "application/json", **headers}).decode()
    request = StoredRequest(method, "", header_text, "application/json", data, remote)
    return Arrival(digest, request, statements.now(), is_sample=True)


def _no_trigger() -> RelayError:
    return RelayError("This flow has no trigger any more")
