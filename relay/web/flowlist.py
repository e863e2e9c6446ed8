"""What the list of flows says of each flow, in a fixed number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from relay.connectors import registry
from relay.engine import hours
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Event, Flow, Run, RunState, Workspace
from relay.models.fields import micros
from relay.web import times

HOURS = 24
HEIGHT = 28
_TONES: dict[str, str] = {
    RunState.SUCCEEDED: "good",
    RunState.FAILED: "bad",
    RunState.PARTLY_FAILED: "bad",
    RunState.WAITING: "warn",
    RunState.HELD: "warn",
}
_ORDER = ("good", "rest", "warn", "bad")


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of the drawing, in its own units: 4 wide an hour, HEIGHT high."""

    x: int
    y: float
    height: float
    tone: str


@dataclass(slots=True)
class Row:
    flow: Flow
    route: list[str]
    counts: Counter[str] = field(default_factory=Counter)
    shapes: list[tuple[str, str]] = field(default_factory=list)  # tone and path of the bars: one a tone draws fast
    held: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def in_words(self) -> str:
        """The bars for those who can't see them."""
        parts = [f"{count} {state.replace('_', ' ')}" for state, count in self.counts.most_common()]
        return f"{self.total} runs in 24 hours: {', '.join(parts)}" if parts else "No runs in 24 hours"


def rows(workspace: Workspace, search: str) -> list[Row]:
    """The flows whose name holds `search`, by name."""
    last = Event.objects.filter(flow=OuterRef("pk")).order_by("-id").values("received_at")[:1]
    flows: QuerySet[Flow] = workspace.flows.select_related("live_version").annotate(last_event=Subquery(last))
    if search:
        flows = flows.filter(name__icontains=search)
    found = {flow.pk: Row(flow, route(flow)) for flow in flows.order_by("name", "pk")}
    _count(workspace, found)
    # By flow, which the index of held runs has.
    held = Run.objects.filter(state=RunState.HELD, flow__in=list(found)).values_list("flow").annotate(Count("pk"))
    for pk, count in held.order_by():
        found[pk].held = count
    return list(found.values())


def _count(workspace: Workspace, found: dict[int, Row]) -> None:
    newest = hours.hour_at(micros(times.now()))
    by_flow: dict[int, dict[int, Counter[str]]] = {}
    for pk, when, state, count in hours.counts(workspace, since=newest - HOURS + 1):
        if pk in found:
            found[pk].counts[state] += count
            by_flow.setdefault(pk, {}).setdefault(when, Counter())[_TONES.get(state, "rest")] += count
    for pk, by_hour in by_flow.items():
        found[pk].shapes = shapes(draw(by_hour, newest))


def draw(by_hour: dict[int, Counter[str]], newest: int) -> list[Bar]:
    """Stacked bars, the newest hour at the right; the highest hour fills the height."""
    top = max(tones.total() for tones in by_hour.values())
    bars = []
    for hour, tones in by_hour.items():
        x = (HOURS - 1 - min(HOURS - 1, newest - hour)) * 4
        y = float(HEIGHT)
        for tone in _ORDER:
            if tones[tone]:
                height = max(2.0, round(tones[tone] / top * HEIGHT, 1))
                y = max(0.0, y - height)
                bars.append(Bar(x, round(y, 1), height, tone))
    return bars


def shapes(bars: Iterable[Bar]) -> list[tuple[str, str]]:
    """The bars as one SVG path a tone."""
    paths: dict[str, str] = {}
    for bar in bars:
        paths[bar.tone] = f"{paths.get(bar.tone, '')}M{bar.x} {bar.y}h3v{bar.height}h-3z"
    return list(paths.items())


def route(flow: Flow) -> list[str]:
    """Source and destinations in words: `Webhook`, `Slack`, `Trello`."""
    document = flow.live_version.document if flow.live_version else flow.draft
    actions = (step.get("action") for step, _ in nesting.every(document.get("steps")))
    return ["Webhook", *dict.fromkeys(_labels(actions))]


def _labels(actions: Iterable[Any]) -> Iterable[str]:
    for action in actions:
        if isinstance(action, str) and action:
            try:
                yield registry.find(action)[0].label
            except RelayError:
                yield action
