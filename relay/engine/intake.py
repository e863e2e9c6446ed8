"""Intake: what arrived becomes an event and its run, many requests in one transaction."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from relay import ids, queues
from relay.engine import sql
from relay.errors import RelayError
from relay.flows.document import TriggerSettings, trigger_settings
from relay.models import Event, Flow, Revision, Trigger
from relay.models.flows import digest

DOORS_REMEMBERED = 10_000

_EVENT = (
    "id",
    "workspace_id",
    "flow_id",
    "state",
    "received_at",
    "method",
    "query",
    "headers",
    "content_type",
    "body",
    "remote",
)
_RUN = (
    "id",
    "workspace_id",
    "flow_id",
    "version_id",
    "event_id",
    "state",
    "due_at",
    "fence",
    "tries",
    "title",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Door:
    """A trigger as ingest remembers it. `version_id` is None for a draft: what arrives is captured."""

    workspace_id: int
    flow_id: int
    version_id: int | None
    paused: bool
    settings: TriggerSettings


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request, read whole. `headers` is a JSON object as text, `received_at` in microseconds since 1970."""

    digest: str
    method: str
    query: str
    headers: str
    content_type: str
    body: bytes
    remote: str
    received_at: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an arrival: its event's id, and the door as it was in the transaction; no door, no event."""

    event_id: int
    door: Door | None


class Doors:
    """The triggers that requests knock at, remembered until something about any trigger changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Door | None] = OrderedDict()
        self._revision = -1

    def refresh(self) -> None:
        """Forget all when a trigger, a publication or a pause has changed since the last look."""
        rows = sql.fetch("SELECT number FROM relay_revision WHERE id = 1")
        revision = rows[0][0] if rows else 0
        if revision != self._revision:
            self._known.clear()
            self._revision = revision

    def remembered(self, token_digest: str) -> Door | None:
        """The door as last seen, without a query."""
        return self._known.get(token_digest)

    def find(self, token_digest: str) -> Door | None:
        """The door behind a token's digest; None when there is none."""
        if token_digest not in self._known:
            self._known[token_digest] = _load(token_digest)
            while len(self._known) > DOORS_REMEMBERED:
                self._known.popitem(last=False)
        return self._known[token_digest]


def _load(token_digest: str) -> Door | None:
    trigger = Trigger.objects.select_related("flow", "flow__live_version").filter(token_digest=token_digest).first()
    if trigger is None:
        return None
    flow = trigger.flow
    document = flow.live_version.document if flow.live_version else flow.draft
    return Door(flow.workspace_id, flow.pk, flow.live_version_id, flow.paused, trigger_settings(document))


def accept(arrivals: list[Arrival], doors: Doors) -> list[Accepted]:
    """Store arrivals and their runs in one durable transaction; when this returns, nothing of them can be lost.

    live: a run that is due now; paused: a run that is held; draft: the event alone, captured.
    """
    now = sql.now()
    events: list[tuple[Any, ...]] = []
    runs: list[tuple[Any, ...]] = []
    accepted = []
    with transaction.atomic():
        doors.refresh()
        for arrival in arrivals:
            door = doors.find(arrival.digest)
            event_id = ids.new()
            accepted.append(Accepted(event_id, door))
            if door is None:
                continue
            events.append(_event_row(event_id, arrival, door))
            if door.version_id is not None:
                runs.append(_run_row(event_id, door, now))
        if events:
            sql.insert("relay_event", _EVENT, events)
        if runs:
            sql.insert("relay_run", _RUN, runs)
    return accepted


def _event_row(event_id: int, arrival: Arrival, door: Door) -> tuple[Any, ...]:
    return (
        event_id,
        door.workspace_id,
        door.flow_id,
        "captured" if door.version_id is None else "accepted",
        arrival.received_at,
        arrival.method,
        arrival.query,
        arrival.headers,
        arrival.content_type,
        arrival.body,
        arrival.remote,
    )


def _run_row(event_id: int, door: Door, now: int) -> tuple[Any, ...]:
    held = door.paused
    return (
        ids.new(),
        door.workspace_id,
        door.flow_id,
        door.version_id,
        event_id,
        "held" if held else "queued",
        None if held else now,
        0,
        0,
        "",
        "The flow is paused" if held else "",
    )


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
    """Let an event arrive at a flow as if its URL had been called: `body`, else the last event's, else an order."""
    last = flow.events.order_by("-id").first()
    if body is None and last is not None:
        arrival = _again(flow, last)
    else:
        arrival = _sample(flow, msgspec.json.encode(SAMPLE_ORDER) if body is None else body)
    accepted = accept([arrival], Doors())[0]
    if accepted.door is None:
        raise RelayError("This flow has no trigger any more")
    queues.ring()
    return Event.objects.get(pk=accepted.event_id)


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
    return Arrival(digest(flow.trigger.token), method, query, headers, content_type, body, "sample", sql.now())


__all__ = ["Accepted", "Arrival", "Door", "Doors", "Revision", "accept", "send_sample"]
