"""Sends a sample event to a flow, as if its URL had been called."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings

from relay import queues
from relay.engine.database import statements
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_store import Arrival, TriggerCache, accept
from relay.engine.intake.internal_events import schedule_body_now
from relay.engine.intake.stored_request import StoredRequest
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.flows.forms import Input
from relay.models import Event, Flow, Sample

REMOTE = "sample"  # in place of an address
SAMPLE_ORDER = {
    "id": 1001,
    "total": "149.90",
    "currency": "EUR",
    "customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
    "line_items": [
        {"title": "Enamel mug", "quantity": 2, "price": "24.95"},
        {"title": "Cotton T-shirt", "quantity": 1, "price": "100.00"},
    ],
}
_EXAMPLES: dict[str, Any] = {"number": 1, "boolean": True, "url": "https://example.com/"}


def send_sample(
    flow: Flow, body: bytes | None = None, event: dict[str, Any] | None = None, *, again: Event | None = None
) -> Event:
    """Send an event to a flow as if its URL had been called.

    It is `event`, in the form of samples, or has this `body`, or else is a copy of `again`, or else of the flow's last
    event, or else its first sample, or else an example: for a flow that starts by hand, its form filled in.
    """
    last = again or flow.events.order_by("-id").first()
    sample = first_sample(flow)
    if event is not None:
        request = _request_of(EventData.from_json(event))
    elif body is None and last is not None:
        request = _request_of(EventData.from_model(last))
    elif body is None and sample is not None:
        request = _request_of(EventData.from_json(sample.event))
    else:
        request = _json_request(msgspec.json.encode(_default_body(flow)) if body is None else body)
    accepted = accept([_arrival(flow, request)], TriggerCache())[0]
    if accepted.trigger is None:
        raise RelayError("This flow has no trigger any more")
    queues.wake_worker()
    return Event.objects.get(pk=accepted.event_id)


def first_sample(flow: Flow) -> Sample | None:
    """The oldest sample of a flow."""
    sample: Sample | None = flow.samples.kept().defer("event").order_by("pk").first()
    return sample


def _default_body(flow: Flow) -> dict[str, Any]:
    """A sample order; for a flow that starts by schedule, a scheduled time; for one by hand, its form filled in."""
    document = flow.live_version.document if flow.live_version else flow.draft
    trigger = trigger_settings(document)
    if trigger.kind == "schedule":
        return schedule_body_now(trigger)
    if trigger.kind == "manual":
        return {field.name: _example(field) for field in trigger.inputs}
    return SAMPLE_ORDER


def _example(field: Input) -> Any:
    """The default of a field, or else its first option, or else a value of its kind."""
    if field.default is not None:
        return field.default
    return field.options[0] if field.options else _EXAMPLES.get(field.kind, field.shown)


def _request_of(event: EventData) -> StoredRequest:
    return StoredRequest(event.method, event.query, event.headers, event.content_type, event.body, REMOTE)


def _json_request(body: bytes) -> StoredRequest:
    headers = '{"content-type":"application/json","user-agent":"Relay sample"}'
    return StoredRequest("POST", "", headers, "application/json", body, REMOTE)


def _arrival(flow: Flow, request: StoredRequest) -> Arrival:
    if len(request.body) > settings.MAX_BYTES:
        raise RelayError(f"A sample may have {settings.MAX_BYTES} bytes; this one has {len(request.body)}")
    return Arrival(flow.trigger.token_digest, request, statements.now(), is_sample=True)
