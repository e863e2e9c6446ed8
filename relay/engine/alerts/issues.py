"""Resolves, mutes and replays issues for people, and resolves issues that are over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay import ids
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.runs import bulk_replay
from relay.errors import RelayError
from relay.models import Batch, Issue, IssueKind, IssueState, ReplayMode, User, Workspace


def resolve(issue: Issue) -> None:
    """Resolve an issue. If the same failure occurs again, the issue opens again and an alert is sent."""
    _move(issue, IssueState.RESOLVED, (IssueState.OPEN, IssueState.MUTED), "This issue is resolved already")
    _audit(issue, "issue.resolved")


def mute(issue: Issue) -> None:
    """Mute an issue: its failures are counted, but no alert is sent."""
    _move(issue, IssueState.MUTED, (IssueState.OPEN, IssueState.RESOLVED), "This issue is muted already")
    _audit(issue, "issue.muted")


def unmute(issue: Issue) -> None:
    """Send alerts for an issue again, starting with the next failure."""
    _move(issue, IssueState.OPEN, (IssueState.MUTED,), "This issue is not muted")
    _audit(issue, "issue.unmuted")


def replay(issue: Issue, mode: ReplayMode, *, per_minute: int = 0, by: User | None = None) -> Batch:
    """Resolve an issue and replay all its failed runs; RelayError when it has none."""
    if issue.kind != IssueKind.FAILED:
        raise RelayError("These runs are held, not failed: they continue when the cause is fixed")
    chosen = {"issue": issue.ref, "unreplayed": True}
    batch = bulk_replay.start(issue.workspace, chosen, mode, per_minute=per_minute, by=by)
    resolve_by_replay(issue.workspace, chosen)
    issue.refresh_from_db()
    return batch


def resolve_by_replay(workspace: Workspace, chosen: Mapping[str, Any]) -> None:
    """Resolve the issue of a bulk replay whose filter selects all runs of one issue."""
    if set(chosen) <= {"issue", "unreplayed"} and "issue" in chosen:
        issue = workspace.issues.filter(pk=ids.number(chosen["issue"]) or 0).exclude(state=IssueState.RESOLVED).first()
        if issue is not None:
            resolve(issue)


def _move(issue: Issue, to: IssueState, states: tuple[IssueState, ...], message: str) -> None:
    # The next failure is reported at once. An issue that was resolved automatically keeps its silent period, because
    # services fail and recover.
    cleared = {"alert_at": None, "mail_at": None, "alerted_at": None}
    moved = Issue.objects.filter(pk=issue.pk, state__in=states).update(state=to, **cleared)
    if not moved:
        raise RelayError(message)
    issue.refresh_from_db()


def _audit(issue: Issue, verb: str) -> None:
    audit.note(issue.workspace_id, verb, issue.cause, ref=issue.ref, change=f"{issue.count} runs")


# Issues that are over

_UNFINISHED = ("queued", "running", "waiting", "held", "failed", "partly_failed")
BATCH_ISSUES = 500  # resolved at once
QUIET = 30_000_000  # microseconds without another failure


def resolve_finished(now: int) -> int:
    """Resolve open issues of which no run is failed, waiting or held any more; return their number.

    All their runs have continued or were removed. An issue about a webhook is resolved when that is renewed.
    """
    states = ", ".join(f"'{state}'" for state in _UNFINISHED)
    before = now - QUIET
    # Read first: an UPDATE would take SQLite's write lock even with nothing to do.
    issue_ids = statements.fetch_values(
        "SELECT i.id FROM relay_issue i WHERE i.state = 'open' AND i.kind != 'webhook'"
        " AND i.alert_at IS NULL AND i.last_at < %s AND NOT EXISTS"
        f" (SELECT 1 FROM relay_run r WHERE r.issue_id = i.id AND r.state IN ({states})) LIMIT {BATCH_ISSUES}",
        (before,),
    )
    if not issue_ids:
        return 0
    condition = f"id IN ({statements.marks(len(issue_ids))}) AND state = 'open' AND last_at < %s"
    locked = f"SELECT id FROM relay_issue WHERE {condition}{statements.lock_clause()}"
    return statements.execute(f"UPDATE relay_issue SET state = 'resolved' WHERE id IN ({locked})", [*issue_ids, before])
