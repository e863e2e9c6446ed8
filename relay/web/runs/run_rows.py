"""Loads a page of runs, newest first and paged by id, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Case, Count, ExpressionWrapper, F, TextField, Value, When
from django.db.models.functions import Coalesce, Length
from django.db.models.lookups import LessThanOrEqual

from relay import ids
from relay.engine.runs import run_search
from relay.flows import nesting
from relay.models import Attempt, Run, RunState, Version, Workspace
from relay.search import query
from relay.web.runs import narrative
from relay.web.runs.run_filters import RunFilters
from relay.web.ui import times

PAGE = 50
MAX_COUNTED = 1_000
MAX_COUNTED_MATCHES = 200  # of a text search
MAX_COUNTED_NEWER = 100
_DOTS = {
    "passed": "good",
    "set": "good",
    "succeeded": "good",
    "branched": "good",
    "looped": "good",
    "waited": "good",
    "gathered": "good",
    "joined": "good",
    "responded": "good",
    "failed": "bad",
    "waiting": "warn",
    "filtered": "stop",
}


# The list reads no long trails.
_MAX_TRAIL_CHARACTERS = 64 * 1024
_LENGTH = Coalesce(Length("trail"), 0)
_TEXT = ExpressionWrapper(F("trail"), output_field=TextField())
_WALKED = Case(
    When(LessThanOrEqual(_LENGTH, _MAX_TRAIL_CHARACTERS), then=Coalesce(_TEXT, Value("[]"))), output_field=TextField()
)


class _Entry(msgspec.Struct):
    id: str
    state: str


@dataclass(frozen=True, slots=True)
class Dot:
    name: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class RunRow:
    run: Run
    started: datetime
    seconds: float | None
    tries: int
    dots: Sequence[Dot]

    @property
    def mark(self) -> str:
        """The reference of the run and what changes in its row: `run=` of `changed-runs`."""
        return f"{self.run.ref}.{self.run.state}.{self.run.fence}.{self.tries}"


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[RunRow]
    older: str  # the ref that the next page starts from, or ""
    newest: str  # the newest ref of this page
    count: int  # of the runs on this page and older ones
    more: bool  # whether there are more runs than `count`
    reached: datetime | None  # how far back a search got before its time limit


def page(workspace: Workspace, filters: RunFilters, before: str) -> Page:
    """Return up to PAGE runs older than the ref `before`, or the newest ones."""
    number = ids.number(before)
    limit = MAX_COUNTED_MATCHES if query.is_search(filters.chosen) else MAX_COUNTED
    result = run_search.find(workspace, filters.chosen, below=number or query.END, limit=limit)
    shown = result.ids[:PAGE]
    last = shown[-1] if len(result.ids) > PAGE else result.reached
    runs = Run.objects.filter(pk__in=shown).select_related("flow").annotate(walked=_WALKED)
    runs = runs.defer("trail", "flow__draft", "flow__live_version")
    return Page(
        rows=rows(list(runs.order_by("-id"))),
        older=ids.text(last) if last else "",
        newest=ids.text(shown[0] if shown else 0),
        count=len(result.ids),
        more=len(result.ids) == limit or result.reached > 0,
        reached=times.created_at(result.reached) if result.reached and len(result.ids) <= PAGE else None,
    )


def changed(workspace: Workspace, marks: Sequence[str]) -> tuple[list[RunRow], list[str]]:
    """Return the rows of those runs that differ from their marks, and the marks of those that have not ended."""
    numbers = [number for mark in marks[:PAGE] if (number := ids.number(mark.partition(".")[0])) is not None]
    runs = Run.objects.filter(workspace=workspace, pk__in=numbers).select_related("flow").annotate(walked=_WALKED)
    found = rows(list(runs.defer("trail", "flow__draft", "flow__live_version").order_by("-id")))
    return [row for row in found if row.mark not in marks], [row.mark for row in found if not row.run.is_final]


def rows(runs: list[Run]) -> list[RunRow]:
    versions = Version.objects.in_bulk({run.version_id for run in runs})
    tries = dict(Attempt.objects.filter(run__in=runs).values_list("run").annotate(Count("pk")).order_by())
    return [_row(run, versions.get(run.version_id), tries.get(run.pk, 0)) for run in runs]


def _row(run: Run, version: Version | None, tries: int) -> RunRow:
    started = times.created_at(run.pk)
    seconds = (run.finished_at - started).total_seconds() if run.finished_at else None
    walked = _walked(run)
    shown = [] if walked is None else dots(run, version.document if version else {}, walked)
    return RunRow(run, started, seconds, tries, shown)


def _walked(run: Run) -> dict[str, str] | None:
    """Return the state of each step of the trail; None if the trail is too long for a list."""
    text: str | None = run.walked  # type: ignore[attr-defined] # annotated
    if text is None:
        return None
    return {entry.id: entry.state for entry in msgspec.json.decode(text, type=list[_Entry])}


def dots(run: Run, document: dict[str, Any], walked: dict[str, str]) -> list[Dot]:
    """Return one dot for each step of the version, in order."""
    walked = dict(walked)
    steps = [step for step in nesting.top(document) if not step.get("disabled")]
    unreached = [step["id"] for step in steps if step["id"] not in walked]
    if run.state == RunState.WAITING and unreached:
        walked[unreached[0]] = "waiting"  # the trail ends before the action that is retried
    failed = {nesting.base(entry) for entry, state in walked.items() if state == "failed"}
    return [_dot(step, _state(step, walked, failed)) for step in steps]


def _state(step: dict[str, Any], walked: dict[str, str], failed: set[str]) -> str:
    """Return the state of a step: also failed if a step inside it has failed."""
    is_failed = any(inner["id"] in failed for inner, _ in nesting.every([step]))
    return "failed" if is_failed else walked.get(step["id"], "not reached")


def _dot(step: dict[str, Any], state: str) -> Dot:
    return Dot(narrative.label(step), state, _DOTS.get(state, ""))


def newer(workspace: Workspace, filters: RunFilters, after: str) -> int:
    """Return how many runs are newer than the ref `after`, up to MAX_COUNTED_NEWER."""
    number = ids.number(after)
    if number is None:
        return 0
    return len(run_search.find(workspace, filters.chosen, above=number, limit=MAX_COUNTED_NEWER).ids)
