"""Issues: what a person does about identical failures, and what goes by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay import ids
from relay.engine import audit, batches, sql
from relay.errors import RelayError
from relay.models import Batch, Issue, IssueKind, IssueState, ReplayMode, User, Workspace


def resolve(issue: Issue) -> None:
    """Take it as mended. Comes the same again, it is open again, and told again."""
    _move(issue, IssueState.RESOLVED, (IssueState.OPEN, IssueState.MUTED), "This issue is resolved already")
    _note(issue, "issue.resolved")


def mute(issue: Issue) -> None:
    """Count it, and tell nobody."""
    _move(issue, IssueState.MUTED, (IssueState.OPEN, IssueState.RESOLVED), "This issue is muted already")
    _note(issue, "issue.muted")


def unmute(issue: Issue) -> None:
    """Have it told again, from the next failure on."""
    _move(issue, IssueState.OPEN, (IssueState.MUTED,), "This issue is not muted")
    _note(issue, "issue.unmuted")


def replay(issue: Issue, mode: ReplayMode, *, per_minute: int = 0, by: User | None = None) -> Batch:
    """Resolve it, and replay all of its runs that failed; RelayError where there is none."""
    if issue.kind != IssueKind.FAILED:
        raise RelayError("These runs are held, not failed: they go on when what holds them is mended")
    chosen = {"issue": issue.ref, "unreplayed": True}
    batch = batches.start(issue.workspace, chosen, mode, per_minute=per_minute, by=by)
    resolve_by_replay(issue.workspace, chosen)
    issue.refresh_from_db()
    return batch


def resolve_by_replay(workspace: Workspace, chosen: Mapping[str, Any]) -> None:
    """Resolve the issue, where a replay of many is of all the runs of one."""
    if set(chosen) <= {"issue", "unreplayed"} and "issue" in chosen:
        issue = workspace.issues.filter(pk=ids.number(chosen["issue"]) or 0).exclude(state=IssueState.RESOLVED).first()
        if issue is not None:
            resolve(issue)


def _move(issue: Issue, to: IssueState, states: tuple[IssueState, ...], otherwise: str) -> None:
    # Comes it again, it is told at once; one that was over by itself keeps its silence, as services come and go.
    untold = {"alert_at": None, "mail_at": None, "alerted_at": None}
    moved = Issue.objects.filter(pk=issue.pk, state__in=states).update(state=to, **untold)
    if not moved:
        raise RelayError(otherwise)
    issue.refresh_from_db()


def _note(issue: Issue, verb: str) -> None:
    audit.note(issue.workspace_id, verb, issue.cause, ref=issue.ref, change=f"{issue.count} runs")


# What goes by itself

_LEFT = ("queued", "running", "waiting", "held", "failed", "partly_failed")
A_LOOK = 500  # issues of one look
SETTLED = 30_000_000  # microseconds without another failure


def resolve_what_is_over(now: int) -> int:
    """Resolve open issues of which no run is left that failed, waits or is held: all went on, or are gone; how many."""
    states = ", ".join(f"'{state}'" for state in _LEFT)
    before = now - SETTLED
    # Read first: an UPDATE would take SQLite's write lock even where there is nothing to do.
    over = sql.fetch(
        "SELECT i.id FROM relay_issue i WHERE i.state = 'open' AND i.alert_at IS NULL AND i.last_at < %s AND NOT EXISTS"
        f" (SELECT 1 FROM relay_run r WHERE r.issue_id = i.id AND r.state IN ({states})) LIMIT {A_LOOK}",
        (before,),
    )
    if not over:
        return 0
    numbers = [row[0] for row in over]
    still = f"id IN ({sql.marks(len(numbers))}) AND state = 'open' AND last_at < %s"
    mine = f"SELECT id FROM relay_issue WHERE {still}{sql.locking()}"
    return sql.execute(f"UPDATE relay_issue SET state = 'resolved' WHERE id IN ({mine})", [*numbers, before])
