"""Loads the list of issues, and the summary above the flows, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from relay.engine.alerts import alert_messages
from relay.models import Issue, IssueKind, IssueState, Workspace
from relay.web.ui import state_labels

PAGE = 100
MAX_SUMMED_ISSUES = 500


@dataclass(frozen=True, slots=True)
class Chip:
    state: str
    look: state_labels.Look
    count: int


@dataclass(frozen=True, slots=True)
class IssueRow:
    issue: Issue

    @property
    def counted(self) -> str:
        return alert_messages.count_text(self.issue)

    @property
    def advice(self) -> str:
        return alert_messages.advice(self.issue)

    @property
    def look(self) -> state_labels.Look:
        return state_labels.look("issue", self.issue.kind)

    @property
    def is_replayed(self) -> bool:
        """Whether the runs have ended, so that they can be replayed."""
        return bool(self.issue.kind == IssueKind.FAILED)


@dataclass(frozen=True, slots=True)
class Banner:
    """The open issues in one line: `1 problem: 37 failures.`, and the most frequent issue."""

    words: str
    first: Issue
    count: int


def rows(workspace: Workspace, state: str, flow: int | None) -> list[IssueRow]:
    """Return the issues of a state, of one flow or of all, most recent first."""
    issues = workspace.issues.filter(state=state).select_related("flow").defer("flow__draft")
    if flow is not None:
        issues = issues.filter(flow=flow)
    return [IssueRow(issue) for issue in issues.order_by("-last_at", "pk")[:PAGE]]


def chips(workspace: Workspace, flow: int | None) -> list[Chip]:
    """Return the number of issues of each state."""
    issues = workspace.issues.all() if flow is None else workspace.issues.filter(flow=flow)
    counts = dict(issues.values_list("state").annotate(Count("pk")).order_by())
    return [Chip(state, state_labels.look("issue-state", state), counts.get(state, 0)) for state in IssueState.values]


def banner(workspace: Workspace) -> Banner | None:
    """Return the summary of a workspace's open issues, or None if there are none."""
    issues = list(
        workspace.issues.filter(state=IssueState.OPEN).defer("reason").order_by("-count", "pk")[:MAX_SUMMED_ISSUES]
    )
    if not issues:
        return None
    first = issues[0]
    if len(issues) == 1:
        return Banner(f"1 problem: {alert_messages.count_text(first)}.", first, 1)
    runs = sum(issue.count for issue in issues)
    words = f"{len(issues)} problems stopped {runs:,} runs. Most:"
    return Banner(words, first, len(issues))
