"""Choosing an event in a form: a sample, something that arrived lately, or what is pasted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from relay import ids, payloads
from relay.engine.eventshape import written
from relay.errors import PayloadError, RelayError
from relay.models import Event, Flow
from relay.web import posted

RECENT = 15
LONGEST = 400_000  # characters that are pasted
KINDS = {
    "application/json": "JSON",
    "application/x-www-form-urlencoded": "Form (a=1&b=2)",
    "application/xml": "XML",
    "text/plain": "Text",
}


@dataclass(frozen=True, slots=True)
class Recent:
    """An event that arrived, by what its run is called."""

    value: str
    title: str
    method: str
    at: datetime


def choices(flow: Flow, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of an event shows: `recent`, and what was chosen and pasted."""
    return {
        "recent": recent(flow),
        "event_choice": str(chosen.get("event") or ""),
        "kinds": list(KINDS.items()),
        "kind": str(chosen.get("kind") or ""),
        "pasted": posted.clean(str(chosen.get("body") or ""))[:LONGEST],
    }


def recent(flow: Flow) -> list[Recent]:
    events = list(flow.events.order_by("-id").only("id", "method", "received_at")[:RECENT])
    titles = dict(flow.runs.filter(event_id__in=[one.pk for one in events]).values_list("event_id", "title"))
    return [Recent(f"event:{one.ref}", titles.get(one.pk) or one.ref, one.method, one.received_at) for one in events]


def written_down(flow: Flow, data: QueryDict) -> dict[str, Any]:
    """The event that a form means, `{"method", "headers", "query", "body"}`; RelayError where it means none."""
    what, _, which = posted.text(data, "event").partition(":")
    if what == "sample" and which.isascii() and which.isdigit():
        sample = flow.samples.kept().filter(pk=int(which[:18])).first()
        if sample is not None:
            return dict(sample.event)
    if what == "event":
        event = Event.objects.filter(flow=flow, pk=ids.number(which) or 0).first()
        if event is not None:
            return written(event)
    if what == "paste":
        return _pasted(data)
    raise RelayError("Choose an event, or paste one")


def _pasted(data: QueryDict) -> dict[str, Any]:
    body, kind = posted.text(data, "body", limit=LONGEST + 1), posted.text(data, "kind")
    if kind not in KINDS:
        raise RelayError("Choose what the pasted text is")
    if not body.strip() or len(body) > LONGEST:
        raise RelayError(f"Paste the body of an event, of up to {LONGEST:,} characters")
    try:
        payloads.parse(body.encode(), kind)
    except PayloadError as error:
        raise RelayError(f"{str(error).rstrip('.')}. Mend what you pasted, or choose what else it is") from None
    return {"method": "POST", "headers": {"content-type": kind}, "body": body}
