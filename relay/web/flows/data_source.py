"""Finds the event that the editor builds with: a sample or an event that arrived, which stays until another is chosen.

It is `sample=` in the editor's address: `sample:12` for a sample, `event:` and a reference for an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils.http import urlencode

from relay import ids
from relay.engine.configuration import samples
from relay.engine.intake import body_excerpts
from relay.models import Event, EventState, Flow, Sample
from relay.web.flows import event_picker
from relay.web.ui import times

PARAMETER = "sample"
MAX_COUNTED_NEWER = 100


@dataclass(frozen=True, slots=True)
class DataChoice:
    """One event that can be chosen: its value in the address, and its title."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """The chosen event, and what else can be chosen, by group: samples, then runs, then captured events.

    `newest`: the reference of the flow's newest event when the page was made, or "".
    """

    event: Event | None
    chosen: str = ""
    title: str = ""
    groups: list[tuple[str, list[DataChoice]]] = field(default_factory=list)
    newest: str = ""

    @property
    def pin(self) -> str:
        """The part of an address that keeps the choice."""
        return f"&{urlencode({PARAMETER: self.chosen})}" if self.chosen else ""

    @property
    def neighbours(self) -> tuple[str, str]:
        """The values before and after the chosen one, or ""."""
        values = ["", *(choice.value for _, choices in self.groups for choice in choices), ""]
        index = values.index(self.chosen) if self.chosen in values[1:-1] else 0
        return (values[index - 1], values[index + 1]) if index else ("", "")


def choose(flow: Flow, chosen: str = "") -> DataSource:
    """Return the data for the editor. Without a valid choice: the first sample, or else the newest event."""
    groups, newest = _groups(flow)
    event = _find(flow, chosen)
    if event is None:
        chosen = next((choice.value for _, choices in groups for choice in choices), "")
        event = _find(flow, chosen)
    if event is None:
        return DataSource(None, newest=newest)
    title = next((choice.title for _, choices in groups for choice in choices if choice.value == chosen), "")
    if not title:
        title = f"{event.method}, {times.ago(event.received_at, at=times.now())}"
        groups = [("Chosen", [DataChoice(chosen, title)]), *groups]
    return DataSource(event, chosen, title, groups, newest)


def count_newer(flow: Flow, after: str) -> tuple[int, str]:
    """Return how many events are newer than a reference, up to MAX_COUNTED_NEWER, and the newest as a choice."""
    found = flow.events.filter(pk__gt=ids.number(after) or 0).order_by("-id").values_list("pk", flat=True)
    newer = list(found[:MAX_COUNTED_NEWER])
    return len(newer), f"event:{ids.text(newer[0])}" if newer else ""


def _groups(flow: Flow) -> tuple[list[tuple[str, list[DataChoice]]], str]:
    named = _samples(flow).order_by("pk").values_list("pk", "name")
    recent = event_picker.recent(flow)
    captured = [one for one in recent if one.state == EventState.CAPTURED]
    ran = [one for one in recent if one.state != EventState.CAPTURED]
    groups = [
        ("Samples", [DataChoice(f"sample:{pk}", name) for pk, name in named]),
        ("Recent events", [_choice(one) for one in ran]),
        ("Captured", [_choice(one) for one in captured]),
    ]
    newest = recent[0].value.removeprefix("event:") if recent else ""
    return [(name, choices) for name, choices in groups if choices], newest


def _choice(one: event_picker.RecentEvent) -> DataChoice:
    return DataChoice(one.value, f"{one.title}, {times.ago(one.at, at=times.now())}")


def _samples(flow: Flow) -> QuerySet[Sample]:
    """The samples that are small enough to be read again for each preview."""
    return flow.samples.kept().filter(size__lte=body_excerpts.MAX_BYTES)


def _find(flow: Flow, chosen: str) -> Event | None:
    kind, _, ref = chosen.partition(":")
    if kind == "sample" and (pk := ids.row(ref)) is not None:
        sample = _samples(flow).filter(pk=pk).first()
        return samples.as_event(sample) if sample else None
    if kind == "event" and (pk := ids.number(ref)) is not None:
        return body_excerpts.find(flow, pk)
    return None
