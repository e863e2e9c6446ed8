"""Counts identical failures as one issue, in the transaction that settles their runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import astuple

from relay.engine.database import statements
from relay.engine.settle.failure_cause import FailureCause, cause_of
from relay.engine.walk.work_item import Outcome
from relay.models import IssueState

# Microseconds for which an alert waits, so that a burst of failures is one alert with their number.
ALERT_DELAY = 5_000_000
# Distinct issues of one flow, so that failures with ever new texts can't fill a disk or a page.
MAX_ISSUES_OF_FLOW = 200


class IssueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `relay_issue`, as it is inserted for a new issue; see _CHANGES for one that exists."""

    id: int
    workspace_id: int
    flow_id: int
    step: str
    step_name: str
    kind: str
    cause: str
    reason: str
    state: str
    first_at: int
    last_at: int
    count: int
    last_run_id: int
    silence: int
    alert_at: int | None
    mail_tries: int


_AGAIN = "relay_issue.state = 'resolved'"
# A resolved issue that occurs again is opened with a new count. A clock that was set back must not silence alerts.
_CHANGES = f"""
state = CASE WHEN {_AGAIN} THEN 'open' ELSE relay_issue.state END,
first_at = CASE WHEN {_AGAIN} THEN excluded.first_at ELSE relay_issue.first_at END,
last_at = excluded.last_at,
count = CASE WHEN NOT {_AGAIN} THEN relay_issue.count + excluded.count
             WHEN excluded.count = 0 THEN 1 ELSE excluded.count END,
cause = CASE WHEN {_AGAIN} THEN excluded.cause ELSE relay_issue.cause END,
step_name = excluded.step_name,
reason = excluded.reason,
last_run_id = excluded.last_run_id,
silence = excluded.silence,
alert_at = CASE
    WHEN relay_issue.state = 'muted' OR excluded.alert_at IS NULL THEN NULL
    WHEN relay_issue.alert_at IS NOT NULL THEN relay_issue.alert_at
    WHEN relay_issue.alerted_at IS NULL OR relay_issue.alerted_at > excluded.last_at
        OR relay_issue.alerted_at + excluded.silence <= excluded.last_at THEN excluded.alert_at
    ELSE NULL END
"""


@dataclass(slots=True)
class _CauseCount:
    """The outcomes of one cause that are settled together, the newest last."""

    cause: FailureCause
    outcomes: list[Outcome]


def record(outcomes: Iterable[Outcome], former: Mapping[int, int | None]) -> None:
    """Count failed and held runs in their issues. `former`: the issue of each run until now, by run id.

    Call it at the end of the transaction that settles the runs: other workers that count in the same issue wait for it.
    """
    counts: dict[int, _CauseCount] = {}
    for outcome, cause in _bounded(
        [(outcome, cause) for outcome in outcomes if (cause := cause_of(outcome)) is not None]
    ):
        counts.setdefault(cause.issue_id, _CauseCount(cause, [])).outcomes.append(outcome)
    if not counts:
        return
    now = statements.now()
    # All workers lock in the same order, so that no two wait for each other.
    store([_row(issue_id, counts[issue_id], former, now) for issue_id in sorted(counts)])
    _assign(counts, former)


def store(rows: list[IssueRow]) -> None:
    """Insert issues, or add to those that exist and open them again if they are resolved."""
    columns = IssueRow.__struct_fields__
    marks = ", ".join([f"({statements.marks(len(columns))})"] * len(rows))
    statements.execute(
        f"INSERT INTO relay_issue ({', '.join(columns)}) VALUES {marks} ON CONFLICT (id) DO UPDATE SET {_CHANGES}",
        [value for row in rows for value in astuple(row)],
    )


def _row(issue_id: int, counted: _CauseCount, former: Mapping[int, int | None], now: int) -> IssueRow:
    cause, last = counted.cause, counted.outcomes[-1].work_item
    new = sum(former.get(outcome.work_item.run_id) != issue_id for outcome in counted.outcomes)
    alert_at = None if last.plan.alerts_on == "never" else now + ALERT_DELAY
    return IssueRow(
        id=issue_id,
        workspace_id=last.workspace_id,
        flow_id=last.flow_id,
        step=cause.step,
        step_name=cause.step_name,
        kind=cause.kind.value,
        cause=cause.words,
        reason=cause.reason,
        state=IssueState.OPEN.value,
        first_at=now,
        last_at=now,
        count=new,
        last_run_id=last.run_id,
        silence=int(last.plan.silence * 1e6),
        alert_at=alert_at,
        mail_tries=0,
    )


def _assign(counts: Mapping[int, _CauseCount], former: Mapping[int, int | None]) -> None:
    """Store the issue of each run for which it has changed."""
    moved = [
        (outcome.work_item.run_id, issue_id)
        for issue_id, counted in counts.items()
        for outcome in counted.outcomes
        if former.get(outcome.work_item.run_id) != issue_id
    ]
    if moved:
        rows = ", ".join(["(CAST(%s AS BIGINT), CAST(%s AS BIGINT))"] * len(moved))
        statements.execute(
            f"WITH v (id, issue) AS (VALUES {rows}) UPDATE relay_run SET issue_id = v.issue FROM v"
            " WHERE relay_run.id = v.id",
            [value for pair in moved for value in pair],
        )


def _bounded(causes: list[tuple[Outcome, FailureCause]]) -> list[tuple[Outcome, FailureCause]]:
    """The outcomes with their causes; new causes beyond the limit of their flow are merged into one."""
    new = _unknown({cause.issue_id: cause.flow_id for _, cause in causes})
    room = _room(set(new.values()))
    kept: set[int] = set()
    for issue_id, flow in new.items():
        if room[flow] > 0:
            room[flow] -= 1
            kept.add(issue_id)
    return [
        (outcome, cause.merged() if cause.issue_id in new and cause.issue_id not in kept else cause)
        for outcome, cause in causes
    ]


def _unknown(wanted: dict[int, int]) -> dict[int, int]:
    """Those of the issues, each with its flow, that don't exist yet."""
    if not wanted:
        return {}
    rows = statements.fetch(f"SELECT id FROM relay_issue WHERE id IN ({statements.marks(len(wanted))})", list(wanted))
    known = {issue_id for (issue_id,) in rows}
    return {issue_id: flow for issue_id, flow in wanted.items() if issue_id not in known}


def _room(flows: set[int]) -> dict[int, int]:
    """How many more issues each flow may have."""
    if not flows:
        return {}
    statement = (
        f"SELECT flow_id, count(*) FROM relay_issue WHERE flow_id IN ({statements.marks(len(flows))}) GROUP BY flow_id"
    )
    counted = dict(statements.fetch(statement, list(flows)))
    return {flow: MAX_ISSUES_OF_FLOW - counted.get(flow, 0) for flow in flows}
