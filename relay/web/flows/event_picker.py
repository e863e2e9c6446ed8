"""Lets a form choose an event: a sample, a recent event, an example, a pasted body, or a form with a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from relay import ids
from relay.bodies import payloads
from relay.bodies.form_writing import FormFile
from relay.connectors import registry
from relay.connectors.examples import loader
from relay.engine.intake.event_json import event_to_json, form_with_file
from relay.errors import PayloadError, RelayError
from relay.models import Event, Flow
from relay.web.ui import form_data

MAX_RECENT_EVENTS = 15
MAX_PASTED_CHARACTERS = 400_000
MAX_FIELDS_CHARACTERS = 10_000
BODY_TYPE_LABELS = {
    "application/json": "JSON",
    "application/x-www-form-urlencoded": "Form (a=1&b=2)",
    "application/xml": "XML",
    "text/plain": "Text",
}


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """An event that arrived: its value in a form, the title of its run or its method, and its state."""

    value: str
    title: str
    method: str
    at: datetime
    state: str


def choices(flow: Flow, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template context of the form: the recent events, and what was chosen and pasted."""
    return {
        "recent": recent(flow),
        "examples": examples_of(flow),
        "event_choice": str(chosen.get("event") or ""),
        "kinds": list(BODY_TYPE_LABELS.items()),
        "kind": str(chosen.get("kind") or ""),
        "upload_field": form_data.clean(str(chosen.get("upload_field") or "file"))[:100],
        "fields": form_data.clean(str(chosen.get("fields") or ""))[:MAX_FIELDS_CHARACTERS],
        "most_bytes": settings.MAX_BYTES,
        "pasted": form_data.clean(str(chosen.get("body") or ""))[:MAX_PASTED_CHARACTERS],
    }


def examples_of(flow: Flow) -> list[tuple[str, str]]:
    """Return value and label of each example of the sender that the draft's trigger has."""
    trigger = flow.draft.get("trigger")
    preset = trigger.get("preset") if isinstance(trigger, dict) else None
    if not isinstance(preset, str) or preset not in registry.presets():
        return []
    label = registry.preset(preset).label
    return [(f"example:{preset}.{n}", f"{label}: {one.name}") for n, one in enumerate(loader.list_examples(preset))]


def recent(flow: Flow) -> list[RecentEvent]:
    columns = ("id", "method", "received_at", "state")
    events = list(flow.events.order_by("-id").only(*columns)[:MAX_RECENT_EVENTS])
    titles = dict(flow.runs.filter(event_id__in=[event.pk for event in events]).values_list("event_id", "title"))
    return [_recent(event, titles.get(event.pk) or "") for event in events]


def _recent(event: Event, title: str) -> RecentEvent:
    return RecentEvent(f"event:{event.ref}", title or event.method, event.method, event.received_at, event.state)


def chosen_event(flow: Flow, data: QueryDict, files: MultiValueDict[str, UploadedFile[Any]]) -> dict[str, Any]:
    """Return the chosen event as `{"method", "headers", "query", "body"}`. RelayError if none is chosen."""
    source, _, ref = form_data.text(data, "event").partition(":")
    if source == "sample" and ref.isascii() and ref.isdigit():
        sample = flow.samples.kept().filter(pk=int(ref[:18])).first()
        if sample is not None:
            return dict(sample.event)
    if source == "event":
        event = Event.objects.filter(flow=flow, pk=ids.number(ref) or 0).first()
        if event is not None:
            return event_to_json(event)
    if source == "example":
        preset, _, number = ref.rpartition(".")
        return loader.find(preset, number).as_event()
    if source == "paste":
        return _pasted(data)
    if source == "form":
        return _form(data, files.get("upload"))
    raise RelayError("Choose an event, or paste one")


def _form(data: QueryDict, upload: UploadedFile[Any] | None) -> dict[str, Any]:
    """A form with the file that was attached, and the fields that were typed as `name=value`."""
    if upload is None or not upload.size:
        raise RelayError(
            "Attach a file that is not empty. If you attached one before, choose it again: browsers don't keep it"
        )
    if upload.size > settings.MAX_BYTES:
        raise RelayError(f"The file of a sample may have {settings.MAX_BYTES:,} bytes; this one has {upload.size:,}")
    lines = form_data.text(data, "fields", limit=MAX_FIELDS_CHARACTERS).splitlines()
    pairs = [line.partition("=") for line in lines]
    fields = [(key.strip(), value.strip()) for key, _, value in pairs if key.strip()]
    name = form_data.text(data, "upload_field", limit=100).strip() or "file"
    file = FormFile(name, upload.name or "file", upload.content_type or "", upload.read())
    return form_with_file(fields, file)


def _pasted(data: QueryDict) -> dict[str, Any]:
    body, kind = form_data.text(data, "body", limit=MAX_PASTED_CHARACTERS + 1), form_data.text(data, "kind")
    if kind not in BODY_TYPE_LABELS:
        raise RelayError("Choose the type of the pasted text")
    if not body.strip() or len(body) > MAX_PASTED_CHARACTERS:
        raise RelayError(f"Paste the body of an event, of up to {MAX_PASTED_CHARACTERS:,} characters")
    try:
        payloads.parse(body.encode(), kind)
    except PayloadError as error:
        raise RelayError(f"{str(error).rstrip('.')}. Fix the text, or choose another type") from None
    return {"method": "POST", "headers": {"content-type": kind}, "body": body}
