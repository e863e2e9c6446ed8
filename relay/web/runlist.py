"""A page of runs: filters from the address, newest first, paged by key, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.http import QueryDict

from relay import ids
from relay.models import Attempt, Run, RunState, Version, Workspace
from relay.web import times

PAGE = 50
COUNTED = 100  # newer runs are counted up to here
_DOTS = {
    "passed": "good",
    "set": "good",
    "succeeded": "good",
    "failed": "bad",
    "waiting": "warn",
    "filtered": "stop",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. `flow` is an id."""

    states: tuple[str, ...] = ()
    flow: int | None = None

    @classmethod
    def of(cls, query: QueryDict) -> Filters:
        """From an address; what makes no sense there is left out."""
        states = tuple(state for state in RunState.values if state in query.getlist("state"))
        flow = query.get("flow", "")
        # Nineteen digits can be past a database's integers.
        return cls(states, int(flow) if flow.isascii() and flow.isdigit() and len(flow) < 19 else None)

    def query(self, **more: str) -> str:
        """The address's query for these filters and `more`."""
        query = QueryDict(mutable=True)
        query.setlist("state", list(self.states))
        if self.flow is not None:
            query["flow"] = str(self.flow)
        query.update(more)
        return query.urlencode()

    def toggled(self, state: str) -> Filters:
        states = tuple(s for s in self.states if s != state) if state in self.states else (*self.states, state)
        return Filters(states, self.flow)

    @property
    def chosen(self) -> dict[str, Any]:
        """The same as `RunQuerySet.chosen` takes it; {} is all runs."""
        values: dict[str, Any] = {"state": list(self.states), "flow": self.flow}
        return {key: value for key, value in values.items() if value}

    def narrow(self, workspace: Workspace) -> QuerySet[Run]:
        return Run.objects.filter(workspace=workspace).chosen(self.chosen)


@dataclass(frozen=True, slots=True)
class Dot:
    name: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    run: Run
    started: datetime
    seconds: float | None
    tries: int
    dots: Sequence[Dot]


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    older: str  # the ref to go on from, or nothing
    newest: str  # the ref after which runs are new


def page(workspace: Workspace, filters: Filters, before: str) -> Page:
    """Up to PAGE runs older than the ref `before`, or the newest."""
    runs = filters.narrow(workspace).select_related("flow").defer("flow__draft", "flow__live_version")
    number = ids.number(before)
    if number is not None:
        runs = runs.filter(id__lt=number)
    found = list(runs.order_by("-id")[: PAGE + 1])
    shown = found[:PAGE]
    older = shown[-1].ref if len(found) > PAGE else ""
    return Page(rows(shown), older, shown[0].ref if shown else ids.text(0))


def rows(runs: list[Run]) -> list[Row]:
    versions = Version.objects.in_bulk({run.version_id for run in runs})
    tries = dict(Attempt.objects.filter(run__in=runs).values_list("run").annotate(Count("pk")).order_by())
    return [_row(run, versions.get(run.version_id), tries.get(run.pk, 0)) for run in runs]


def _row(run: Run, version: Version | None, tries: int) -> Row:
    started = times.born(run.pk)
    seconds = (run.finished_at - started).total_seconds() if run.finished_at else None
    return Row(run, started, seconds, tries, dots(run, version.document if version else {}))


def dots(run: Run, document: dict[str, Any]) -> list[Dot]:
    """One dot a step of the version, in order; steps that were not reached are hollow."""
    walked = {entry["id"]: entry["state"] for entry in run.steps}
    steps = [step for step in document.get("steps", ()) if not step.get("disabled")]
    ahead = [step["id"] for step in steps if step["id"] not in walked]
    if run.state == RunState.WAITING and ahead:
        walked[ahead[0]] = "waiting"  # the trail ends before the action that is tried again
    return [_dot(step, walked.get(step["id"], "not reached")) for step in steps]


def _dot(step: dict[str, Any], state: str) -> Dot:
    return Dot(step.get("name") or step["id"], state, _DOTS.get(state, ""))


def newer(workspace: Workspace, filters: Filters, after: str) -> int:
    """How many runs are newer than the ref `after`, up to COUNTED."""
    number = ids.number(after)
    if number is None:
        return 0
    return filters.narrow(workspace).filter(id__gt=number).order_by()[:COUNTED].count()
