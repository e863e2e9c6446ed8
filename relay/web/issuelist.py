"""What the list of issues says, and the one line of them above the flows, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from relay.engine import alertwords
from relay.models import Issue, IssueKind, IssueState, Workspace
from relay.web import states

PAGE = 100
BANNER = 500  # open issues that are added up


@dataclass(frozen=True, slots=True)
class Chip:
    state: str
    look: states.Look
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    issue: Issue

    @property
    def counted(self) -> str:
        return alertwords.counted(self.issue)

    @property
    def advice(self) -> str:
        return alertwords.advice(self.issue)

    @property
    def look(self) -> states.Look:
        return states.look("issue", self.issue.kind)

    @property
    def is_replayed(self) -> bool:
        """Whether its runs have ended, so that they can be replayed."""
        return bool(self.issue.kind == IssueKind.FAILED)


@dataclass(frozen=True, slots=True)
class Banner:
    """What is open, in a line: `37 failures, one cause: ` and the one, or the most frequent one."""

    words: str
    first: Issue
    count: int


def rows(workspace: Workspace, state: str, flow: int | None) -> list[Row]:
    """Those of a state, of a flow or of all, the last that came first."""
    found = workspace.issues.filter(state=state).select_related("flow").defer("flow__draft")
    if flow is not None:
        found = found.filter(flow=flow)
    return [Row(issue) for issue in found.order_by("-last_at", "pk")[:PAGE]]


def chips(workspace: Workspace, flow: int | None) -> list[Chip]:
    """How many there are of each state."""
    found = workspace.issues.all() if flow is None else workspace.issues.filter(flow=flow)
    counts = dict(found.values_list("state").annotate(Count("pk")).order_by())
    return [Chip(state, states.look("issue-state", state), counts.get(state, 0)) for state in IssueState.values]


def banner(workspace: Workspace) -> Banner | None:
    """What is open of a workspace; None where nothing is."""
    found = list(workspace.issues.filter(state=IssueState.OPEN).defer("reason").order_by("-count", "pk")[:BANNER])
    if not found:
        return None
    first = found[0]
    if len(found) == 1:
        return Banner(f"{alertwords.counted(first)}, one cause:", first, 1)
    runs = sum(issue.count for issue in found)
    words = f"{runs:,} runs failed or are held, for {len(found)} causes, most of them because:"
    return Banner(words, first, len(found))
