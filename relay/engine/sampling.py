"""Sampling: an event is sent to a flow as if its URL had been called."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings

from relay import queues
from relay.engine import sql
from relay.engine.eventshape import event_of
from relay.engine.intake import Arrival, Doors, accept
from relay.engine.starting import body_now
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.models import Event, Flow, Sample

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


def send_sample(flow: Flow, body: bytes | None = None) -> Event:
    """Let an event arrive at a flow as if its URL had been called.

    `body`, else the last event's, else the first of its samples, else an order.
    """
    last = flow.events.order_by("-id").first()
    kept = first_sample(flow)
    if body is None and last is not None:
        arrival = _again(flow, last)
    elif body is None and kept is not None:
        one = event_of(kept.event)
        arrival = _arrival(flow, one.method, one.query, one.headers, one.content_type, one.body)
    else:
        arrival = _sample(flow, msgspec.json.encode(_usual_sample(flow)) if body is None else body)
    accepted = accept([arrival], Doors())[0]
    if accepted.door is None:
        raise RelayError("This flow has no trigger any more")
    queues.ring()
    return Event.objects.get(pk=accepted.event_id)


def first_sample(flow: Flow) -> Sample | None:
    """The sample that a flow was given first."""
    found: Sample | None = flow.samples.kept().order_by("pk").first()
    return found


def _usual_sample(flow: Flow) -> dict[str, Any]:
    """An order; for a flow that starts by the clock a moment."""
    document = flow.live_version.document if flow.live_version else flow.draft
    trigger = trigger_settings(document)
    return body_now(trigger) if trigger.kind == "schedule" else SAMPLE_ORDER


def _again(flow: Flow, event: Event) -> Arrival:
    headers = msgspec.json.encode(event.headers).decode()
    body = bytes(event.body)
    return _arrival(flow, event.method, event.query, headers, event.content_type, body)


def _sample(flow: Flow, body: bytes) -> Arrival:
    headers = '{"content-type":"application/json","user-agent":"Relay sample"}'
    return _arrival(flow, "POST", "", headers, "application/json", body)


def _arrival(flow: Flow, method: str, query: str, headers: str, content_type: str, body: bytes) -> Arrival:
    if len(body) > settings.MAX_BYTES:
        raise RelayError(f"A sample may have {settings.MAX_BYTES} bytes; this one has {len(body)}")
    return Arrival(
        flow.trigger.token_digest, method, query, headers, content_type, body, "sample", sql.now(), is_sample=True
    )
