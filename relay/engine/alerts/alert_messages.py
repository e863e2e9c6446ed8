"""Writes the messages about issues to people and flows: what happened, how often, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from relay.models import Issue, IssueKind, IssueState, Workspace

MAX_LISTED_ISSUES = 30  # in one mail

ADVICE = {
    IssueKind.FAILED: "Fix the step or the service, then replay these runs.",
    IssueKind.DESTINATION: "None of these runs is lost, and no attempt is used up. Relay tries one of them "
    "from time to time; as soon as the destination answers, all of them continue.",
    IssueKind.CREDENTIAL: "None of these runs is lost. Enter the credential again, or connect it again, under "
    "Connections; they then continue.",
    IssueKind.KEY: "None of these runs is lost. Restore the key, or enter the secret again; they then continue.",
    IssueKind.UNKNOWN: "Look at the service, then choose “Send again” or “It was done” for each of these runs.",
    IssueKind.WORKER: "None of these runs is lost. Check what they process and the memory of the workers; "
    "release a run to try it again.",
    IssueKind.WEBHOOK: "No event is lost yet, but the sender stops sending when its webhook ends. Relay tries again by "
    "itself; check the connection, or disconnect the trigger and connect it again.",
}


def advice(issue: Issue) -> str:
    """What a person can do about an issue."""
    return ADVICE[IssueKind(issue.kind)]


def url(issue: Issue) -> str:
    """The address of an issue's page."""
    return f"{settings.PUBLIC_URL}/issues/{issue.ref}/"


def event_body(issue: Issue) -> dict[str, Any]:
    """The body of the event that the alert flow receives."""
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
    alerted_at = _iso(issue.alerted_at) if issue.alerted_at else None
    return {**event_body(issue), "state": str(issue.state), "alerted_at": alerted_at}


def subject(workspace: Workspace, issues: Sequence[Issue]) -> str:
    """The subject of a mail about these issues."""
    if len(issues) == 1:
        (issue,) = issues
        return f"{count_text(issue)} in “{issue.flow.name}”: {issue.cause}"
    return f"{len(issues)} issues in {workspace.name}: {sum(issue.count for issue in issues):,} runs failed or are held"


def mail_text(workspace: Workspace, issues: Sequence[Issue]) -> str:
    """The text of a mail about these issues, which are ordered by their number of runs."""
    parts = [_paragraph(issue) for issue in issues[:MAX_LISTED_ISSUES]]
    if len(issues) > MAX_LISTED_ISSUES:
        parts.append(f"And {len(issues) - MAX_LISTED_ISSUES} more: {settings.PUBLIC_URL}/issues/")
    parts.append(
        f"You get this as an owner or editor of the workspace “{workspace.name}” of Relay. A flow's settings say "
        "when and how often its issues are reported; mute a single issue on its page."
    )
    return "\n\n".join(parts) + "\n"


def count_text(issue: Issue) -> str:
    """`500 failures`, `1 run held`."""
    if issue.kind in (IssueKind.FAILED, IssueKind.WEBHOOK):
        return f"{issue.count:,} failure{'' if issue.count == 1 else 's'}"
    return f"{issue.count:,} run{'' if issue.count == 1 else 's'} held"


def _paragraph(issue: Issue) -> str:
    step = f", step “{issue.step_name}”" if issue.step_name else ""
    first, last = _minute(issue.first_at), _minute(issue.last_at)
    span = f"at {first}" if first == last else f"from {first} to {last}"
    todo = (
        advice(issue)
        if issue.state != IssueState.RESOLVED
        else "It has been resolved meanwhile: nothing is left to do."
    )
    return f"“{issue.flow.name}”{step}\n{issue.cause}\n{count_text(issue)}, {span} UTC.\n{todo}\n{url(issue)}"


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
