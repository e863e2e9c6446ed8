"""What people and flows are told of issues: what happened, how often, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from relay.models import Issue, IssueKind, IssueState, Workspace

MOST_TOLD = 30  # issues that a letter tells one by one

ADVICE = {
    IssueKind.FAILED: "Mend the flow, or the service that it calls, then replay these runs.",
    IssueKind.DESTINATION: "None of these runs is lost, and no try is spent: one is sent now and then to see whether "
    "it answers, and then all go on by themselves.",
    IssueKind.CREDENTIAL: "None of these runs is lost. Enter the credential again under Connections: then they go on.",
    IssueKind.KEY: "None of these runs is lost. Bring the key back, or enter the secret again: then they go on.",
    IssueKind.UNKNOWN: "Look at the service, then choose “Send again” or “It was done” for each of these runs.",
}


def advice(issue: Issue) -> str:
    """What to do about it."""
    return ADVICE[IssueKind(issue.kind)]


def url(issue: Issue) -> str:
    """Where people see it."""
    return f"{settings.PUBLIC_URL}/issues/{issue.ref}/"


def event(issue: Issue) -> dict[str, Any]:
    """The body of the event that the alert flow gets."""
    return {
        "kind": str(issue.kind),
        "flow": {"id": issue.flow_id, "name": issue.flow.name},
        "step": issue.step,
        "step_name": issue.step_name,
        "cause": issue.cause,
        "reason": issue.reason,
        "advice": advice(issue),
        "count": issue.count,
        "first_at": _iso(issue.first_at),
        "last_at": _iso(issue.last_at),
        "run": issue.run_ref,
        "issue": issue.ref,
        "workspace": issue.workspace.name,
        "url": url(issue),
    }


def record(issue: Issue) -> dict[str, Any]:
    """An issue as JSON: the form of the API and of `relay issues --json`."""
    told = _iso(issue.alerted_at) if issue.alerted_at else None
    return {**event(issue), "state": str(issue.state), "alerted_at": told}


def subject(workspace: Workspace, issues: Sequence[Issue]) -> str:
    """Of a letter about these."""
    if len(issues) == 1:
        (issue,) = issues
        return f"{counted(issue)} in “{issue.flow.name}”: {issue.cause}"
    return f"{len(issues)} issues in {workspace.name}: {sum(issue.count for issue in issues):,} runs failed or are held"


def letter(workspace: Workspace, issues: Sequence[Issue]) -> str:
    """A letter about these, the most frequent first."""
    parts = [_told(issue) for issue in issues[:MOST_TOLD]]
    if len(issues) > MOST_TOLD:
        parts.append(f"And {len(issues) - MOST_TOLD} more: {settings.PUBLIC_URL}/issues/")
    parts.append(
        f"You get this as an owner or editor of the workspace “{workspace.name}” of Relay. When a flow's issues are "
        "told, and how often, stands in its settings; a single one can be muted where it is shown."
    )
    return "\n\n".join(parts) + "\n"


def counted(issue: Issue) -> str:
    """`500 failures`, `1 run held`."""
    if issue.kind == IssueKind.FAILED:
        return f"{issue.count:,} failure{'' if issue.count == 1 else 's'}"
    return f"{issue.count:,} run{'' if issue.count == 1 else 's'} held"


def _told(issue: Issue) -> str:
    step = f", step “{issue.step_name}”" if issue.step_name else ""
    first, last = _minute(issue.first_at), _minute(issue.last_at)
    span = f"at {first}" if first == last else f"from {first} to {last}"
    what = advice(issue) if issue.state != IssueState.RESOLVED else "It is over meanwhile: nothing is left to do."
    return f"“{issue.flow.name}”{step}\n{issue.cause}\n{counted(issue)}, {span} UTC.\n{what}\n{url(issue)}"


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
