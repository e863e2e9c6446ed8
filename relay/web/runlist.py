"""A page of runs: filters from the address, newest first, paged by key, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from relay import ids
from relay.engine import search
from relay.models import Attempt, Run, RunState, Version, Workspace, searching
from relay.web import times
from relay.web.filters import Filters

PAGE = 50
MANY = 1_000  # runs are counted up to here
FOUND = 200  # and those that were searched for
COUNTED = 100  # newer runs up to here
_DOTS = {
    "passed": "good",
    "set": "good",
    "succeeded": "good",
    "failed": "bad",
    "waiting": "warn",
    "filtered": "stop",
}


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
    count: int  # of this page's runs and older ones
    more: bool  # than were counted
    reached: datetime | None  # how far back was searched when time was up


def page(workspace: Workspace, filters: Filters, before: str) -> Page:
    """Up to PAGE runs older than the ref `before`, or the newest."""
    number = ids.number(before)
    most = FOUND if searching.is_search(filters.chosen) else MANY
    found = search.find(workspace, filters.chosen, below=number or searching.END, limit=most)
    shown = found.ids[:PAGE]
    last = shown[-1] if len(found.ids) > PAGE else found.reached
    runs = Run.objects.filter(pk__in=shown).select_related("flow").defer("flow__draft", "flow__live_version")
    return Page(
        rows=rows(list(runs.order_by("-id"))),
        older=ids.text(last) if last else "",
        newest=ids.text(shown[0] if shown else 0),
        count=len(found.ids),
        more=len(found.ids) == most or found.reached > 0,
        reached=times.born(found.reached) if found.reached and len(found.ids) <= PAGE else None,
    )


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
    return len(search.find(workspace, filters.chosen, above=number, limit=COUNTED).ids)
