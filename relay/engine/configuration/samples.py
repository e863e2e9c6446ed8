"""Saves events as named samples of a flow; renames, removes and restores samples."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from relay.bodies import numerals
from relay.engine import audit
from relay.engine.intake import request_verification
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_json import event_to_json, without_secrets
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.models import Event, Flow, Run, Sample
from relay.models.fields import moment

MAX_SAMPLES = 50  # per flow
NAME_LENGTH = 100
MAX_HEADER_BYTES = 64 * 1024  # headers and query


def add(flow: Flow, name: str, event: Any) -> Sample:
    """Save an event, `{"method", "headers", "query", "body"}`, under a name that is unique in the flow.

    RelayError for an invalid or too large event, a name that is taken, or too many samples.
    """
    size = _size(event)
    document = flow.live_version.document if flow.live_version else flow.draft
    clean = without_secrets(event, request_verification.secret_places(trigger_settings(document)))
    sample = Sample(flow=flow, name=_name(name), event=clean, size=size)
    with transaction.atomic():
        _check_room(flow)
        _save(sample)
        audit.note(flow.workspace_id, "sample.added", f"{flow}: {sample}", ref=sample.pk)
    return sample


def from_run(run: Run) -> Sample:
    """Save the event of a run under the run's title, with a number if that name is taken."""
    stem = "".join(character for character in run.title if character.isprintable()).strip()[: NAME_LENGTH - 4]
    return add(run.flow, unused_name(run.flow, stem or run.ref), event_to_json(run.event))


def unused_name(flow: Flow, stem: str) -> str:
    """`stem`, `stem 2` and so on: the first name that no sample of the flow has."""
    taken = set(flow.samples.kept().values_list("name", flat=True))
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem} {number}"
    return name


def as_event(sample: Sample) -> Event:
    """The event that a sample stands for, as if it had just arrived. It is not stored."""
    data = EventData.from_json(sample.event)
    return Event(
        id=data.id,
        flow=sample.flow,
        method=data.method,
        query=data.query,
        headers=msgspec.json.decode(data.headers),
        content_type=data.content_type,
        body=data.body,
        received_at=moment(data.received_at),
    )


def rename(sample: Sample, name: str) -> None:
    """Give a sample another name."""
    former, sample.name = sample.name, _name(name)
    if sample.name == former:
        return
    with transaction.atomic():
        _save(sample)
        audit.note(
            sample.flow.workspace_id,
            "sample.renamed",
            f"{sample.flow}: {sample}",
            ref=sample.pk,
            change=f"It was “{former}”",
        )


def remove(sample: Sample) -> None:
    """Remove a sample; it can be restored for a day."""
    sample.removed_at = timezone.now()
    with transaction.atomic():
        sample.save(update_fields=["removed_at"])
        audit.note(sample.flow.workspace_id, "sample.removed", f"{sample.flow}: {sample}", ref=sample.pk)


def restore(sample: Sample) -> None:
    """Restore a removed sample; RelayError when its name is taken now, or the flow has too many samples."""
    sample.removed_at = None
    with transaction.atomic():
        _check_room(sample.flow)
        _save(sample)
        audit.note(sample.flow.workspace_id, "sample.restored", f"{sample.flow}: {sample}", ref=sample.pk)


def find(flow: Flow, name: str) -> Sample:
    """The sample of that name; RelayError if there is none."""
    # Names are printable, and PostgreSQL refuses NUL characters.
    sample: Sample | None = flow.samples.kept().filter(name=name).first() if name.isprintable() else None
    if sample is None:
        raise RelayError(f"{flow} has no sample called “{name[:NAME_LENGTH]}”")
    return sample


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise RelayError(f"A sample has a name of up to {NAME_LENGTH} characters")
    return name


def _size(event: Any) -> int:
    """The bytes of an event's body; RelayError when it is no event or too large."""
    body = len(EventData.from_json(event).body)
    rest = len(numerals.encode({**event, "body": None, "body_base64": None}))
    if body > settings.MAX_BYTES or rest > MAX_HEADER_BYTES:
        raise RelayError(
            f"The body of a sample may have {settings.MAX_BYTES} bytes, and the rest of it {MAX_HEADER_BYTES}; "
            f"this one has {body} and {rest}"
        )
    return body


def _check_room(flow: Flow) -> None:
    if flow.samples.kept().count() >= MAX_SAMPLES:
        raise RelayError(f"A flow may have {MAX_SAMPLES} samples: remove one that you don't need")


def _save(sample: Sample) -> None:
    try:
        with transaction.atomic():
            sample.save()
    except IntegrityError:
        raise RelayError(f"There is a sample called “{sample.name}” already: choose another name") from None
