"""Loads the rows of the list of flows in a fixed number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from relay.connectors import registry
from relay.engine.upkeep import hourly_counts
from relay.flows import nesting
from relay.models import Event, Flow, Run, RunState, Workspace
from relay.models.fields import micros
from relay.web.ui import times

HOURS = 24
HEIGHT = 28
MAX_SERVICES = 20  # of one flow
_TONES: dict[str, str] = {
    RunState.SUCCEEDED: "good",
    RunState.FAILED: "bad",
    RunState.PARTLY_FAILED: "bad",
    RunState.WAITING: "warn",
    RunState.HELD: "warn",
}
_SOURCES = {"schedule": "Schedule", "manual": "By hand"}
_ORDER = ("good", "rest", "warn", "bad")


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of the chart, in its own units: 4 wide for each hour, HEIGHT high."""

    x: int
    y: float
    height: float
    tone: str


@dataclass(slots=True)
class FlowRow:
    flow: Flow
    route: list[str]
    counts: Counter[str] = field(default_factory=Counter)
    shapes: list[tuple[str, str]] = field(
        default_factory=list
    )  # tone and SVG path of the bars: one path for each tone draws fast
    held: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def in_words(self) -> str:
        """The chart in words, for screen readers."""
        parts = [f"{count} {state.replace('_', ' ')}" for state, count in self.counts.most_common()]
        return f"{self.total} runs in 24 hours: {', '.join(parts)}" if parts else "0 runs in 24 hours"


def rows(workspace: Workspace, search: str) -> list[FlowRow]:
    """Return the flows whose name contains `search`, by name."""
    last = Event.objects.filter(flow=OuterRef("pk")).order_by("-id").values("received_at")[:1]
    flows: QuerySet[Flow] = workspace.flows.select_related("live_version").annotate(last_event=Subquery(last))
    if search:
        flows = flows.filter(name__icontains=search)
    rows_by_flow = {flow.pk: FlowRow(flow, route(flow)) for flow in flows.order_by("name", "pk")}
    _add_counts(workspace, rows_by_flow)
    # By flow, because the index of held runs starts with it.
    held = (
        Run.objects.filter(state=RunState.HELD, flow__in=list(rows_by_flow)).values_list("flow").annotate(Count("pk"))
    )
    for pk, count in held.order_by():
        rows_by_flow[pk].held = count
    return list(rows_by_flow.values())


def _add_counts(workspace: Workspace, rows_by_flow: dict[int, FlowRow]) -> None:
    newest = hourly_counts.hour_at(micros(times.now()))
    by_flow: dict[int, dict[int, Counter[str]]] = {}
    for counted in hourly_counts.counts(workspace, since=newest - HOURS + 1):
        if counted.flow_id in rows_by_flow:
            rows_by_flow[counted.flow_id].counts[counted.state] += counted.runs
            hours = by_flow.setdefault(counted.flow_id, {})
            hours.setdefault(counted.hour, Counter())[_TONES.get(counted.state, "rest")] += counted.runs
    for pk, by_hour in by_flow.items():
        rows_by_flow[pk].shapes = shapes(draw(by_hour, newest))


def draw(by_hour: dict[int, Counter[str]], newest: int) -> list[Bar]:
    """Return stacked bars, the newest hour at the right. The highest hour fills the height."""
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
    """Return the bars as one SVG path for each tone."""
    paths: dict[str, str] = {}
    for bar in bars:
        paths[bar.tone] = f"{paths.get(bar.tone, '')}M{bar.x} {bar.y}h3v{bar.height}h-3z"
    return list(paths.items())


def route(flow: Flow) -> list[str]:
    """Return the source and the services of a flow: `Stripe`, `Slack`, `Trello`; `Schedule`, `Mail`."""
    document = flow.live_version.document if flow.live_version else flow.draft
    services = list(dict.fromkeys(map(registry.label, nesting.actions(document))))
    return [source(document), *services[:MAX_SERVICES], *(["…"] if len(services) > MAX_SERVICES else [])]


def source(document: Any) -> str:
    """Return what starts a flow: the sender that its webhook is set up for, a schedule, or a person."""
    trigger = document.get("trigger") if isinstance(document, dict) else None
    trigger = trigger if isinstance(trigger, dict) else {}
    preset, kind = trigger.get("preset"), trigger.get("kind")
    known = registry.presets().get(preset) if isinstance(preset, str) else None
    return known[0].label if known else _SOURCES.get(kind if isinstance(kind, str) else "", "Webhook")
