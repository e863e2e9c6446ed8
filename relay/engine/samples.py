"""Samples: an event is kept by a name, renamed, removed and taken back."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from relay.engine import audit, guards
from relay.engine.eventshape import event_of, without_secrets, written
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.models import Flow, Run, Sample

MOST = 50  # of a flow
NAME_LENGTH = 100
BESIDES = 64 * 1024  # bytes of headers and query


def add(flow: Flow, name: str, event: Any) -> Sample:
    """Keep an event, `{"method", "headers", "query", "body"}`, by a name that no other sample of the flow has.

    RelayError for what is no event, a name that is taken, too much or too many.
    """
    size = _size(event)
    document = flow.live_version.document if flow.live_version else flow.draft
    clean = without_secrets(event, guards.hidden(trigger_settings(document)))
    sample = Sample(flow=flow, name=_name(name), event=clean, size=size)
    with transaction.atomic():
        _check_room(flow)
        _save(sample)
        audit.note(flow.workspace_id, "sample.added", f"{flow}: {sample}", ref=sample.pk)
    return sample


def from_run(run: Run) -> Sample:
    """Keep the event of a run, by the run's title where no sample is called so."""
    stem = "".join(letter for letter in run.title if letter.isprintable()).strip()[: NAME_LENGTH - 4]
    return add(run.flow, unused(run.flow, stem or run.ref), written(run.event))


def unused(flow: Flow, stem: str) -> str:
    """`stem`, or `stem 2` and so on: a name that no sample of the flow has."""
    taken = set(flow.samples.kept().values_list("name", flat=True))
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem} {number}"
    return name


def rename(sample: Sample, name: str) -> None:
    """Call it something else."""
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
    """Remove it; for a day it can be taken back."""
    sample.removed_at = timezone.now()
    with transaction.atomic():
        sample.save(update_fields=["removed_at"])
        audit.note(sample.flow.workspace_id, "sample.removed", f"{sample.flow}: {sample}", ref=sample.pk)


def restore(sample: Sample) -> None:
    """Take back that it was removed; RelayError where its name is another's by now, or there is no room."""
    sample.removed_at = None
    with transaction.atomic():
        _check_room(sample.flow)
        _save(sample)
        audit.note(sample.flow.workspace_id, "sample.restored", f"{sample.flow}: {sample}", ref=sample.pk)


def find(flow: Flow, name: str) -> Sample:
    """The sample of that name; RelayError where there is none."""
    # No sample is called otherwise, and PostgreSQL takes no NUL.
    found: Sample | None = flow.samples.kept().filter(name=name).first() if name.isprintable() else None
    if found is None:
        raise RelayError(f"{flow} has no sample called “{name[:NAME_LENGTH]}”")
    return found


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise RelayError(f"A sample has a name of up to {NAME_LENGTH} characters")
    return name


def _size(event: Any) -> int:
    """The bytes of an event's body; RelayError where it is no event, or too large."""
    body = len(event_of(event).body)
    rest = len(msgspec.json.encode({**event, "body": None}))
    if body > settings.MAX_BYTES or rest > BESIDES:
        raise RelayError(
            f"The body of a sample may have {settings.MAX_BYTES} bytes, and the rest of it {BESIDES}; "
            f"this one has {body} and {rest}"
        )
    return body


def _check_room(flow: Flow) -> None:
    if flow.samples.kept().count() >= MOST:
        raise RelayError(f"A flow may have {MOST} samples: remove one that you don't need")


def _save(sample: Sample) -> None:
    try:
        with transaction.atomic():
            sample.save()
    except IntegrityError:
        raise RelayError(f"There is a sample called “{sample.name}” already: choose another name") from None
