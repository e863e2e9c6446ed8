"""Reads events for pages: a short body completely, but only the size and the beginning of a longer one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BinaryField, QuerySet
from django.db.models.functions import Length, Substr

from relay.models import Event, Flow, Run

MAX_BYTES = 128 * 1024  # of a body that is parsed for a page

START_BYTES = 1_000  # of a body from which a few words are shown in a list

_SIZE = "body_size"
_START = "body_start"


def newest(flow: Flow) -> Event | None:
    """The last event of a flow, with its excerpt."""
    event = flow.events.order_by("-id").defer("body").annotate(**_excerpt("body")).first()
    return None if event is None else _with_short_body(event)


def find(flow: Flow, number: int) -> Event | None:
    """An event of a flow, with its excerpt."""
    event = flow.events.filter(pk=number).defer("body").annotate(**_excerpt("body")).first()
    return None if event is None else _with_short_body(event)


def starts(event_ids: Iterable[int]) -> dict[int, tuple[bytes, str]]:
    """The first START_BYTES bytes of the bodies of events, and their content types, by id."""
    start = Substr("body", 1, START_BYTES, output_field=BinaryField())
    events = Event.objects.filter(pk__in=list(event_ids)).annotate(**{_START: start})
    return {pk: (bytes(first or b""), kind) for pk, first, kind in events.values_list("pk", _START, "content_type")}


def of_runs(runs: QuerySet[Run]) -> QuerySet[Run]:
    """The runs with their events' excerpts; read each event with `event_of`."""
    return runs.select_related("event").defer("event__body").annotate(**_excerpt("event__body"))


def event_of(run: Run) -> Event:
    """The event of a run from `of_runs`."""
    vars(run.event).update({name: vars(run)[name] for name in (_SIZE, _START)})
    return _with_short_body(run.event)


def _excerpt(body: str) -> dict[str, Any]:
    return {_SIZE: Length(body), _START: Substr(body, 1, MAX_BYTES, output_field=BinaryField())}


def _with_short_body(event: Event) -> Event:
    """Fill in `body` if it is short. A longer one stays deferred: reading it reads all of it, not the excerpt."""
    if size(event) <= MAX_BYTES:
        event.body = beginning(event)
    return event


def size(event: Event) -> int:
    """The size of its body in bytes."""
    known = vars(event).get(_SIZE)
    return len(event.body) if known is None else int(known)


def beginning(event: Event) -> bytes:
    """The first MAX_BYTES bytes of its body."""
    known = vars(event).get(_START)
    return bytes(event.body[:MAX_BYTES] if known is None else known)
