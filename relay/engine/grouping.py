"""Grouping: identical failures are counted together, as an issue, in the transaction that settles them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from relay.engine import sql
from relay.engine.causes import Cause, cause_of
from relay.engine.errand import Outcome
from relay.models import IssueState

# An alert waits so long for what fails with it: a burst is one alert, with its whole number.
GATHERED = 5_000_000  # microseconds
# Distinct issues of a flow. What fails in ever new words can't fill a disk, or a page.
MOST_OF_FLOW = 200

_ISSUE = (
    "id",
    "workspace_id",
    "flow_id",
    "step",
    "step_name",
    "kind",
    "cause",
    "reason",
    "state",
    "first_at",
    "last_at",
    "count",
    "last_run_id",
    "silence",
    "alert_at",
    "mail_tries",
)
_AGAIN = "relay_issue.state = 'resolved'"
# One that comes again after it was resolved is a new one, with a count of its own. A clock that was set back silences
# nothing.
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
class _Found:
    """What of one cause is settled at once: its runs, the newest last."""

    cause: Cause
    outcomes: list[Outcome]


def record(outcomes: Iterable[Outcome], former: Mapping[int, int | None]) -> None:
    """Count what failed or is held in its issues; `former`: the issue of each run until now.

    Belongs into the transaction that settles them, at its end: whoever counts in the same issue waits for it.
    """
    found: dict[int, _Found] = {}
    for outcome, cause in _bounded([(one, cause) for one in outcomes if (cause := cause_of(one)) is not None]):
        found.setdefault(cause.issue_id, _Found(cause, [])).outcomes.append(outcome)
    if not found:
        return
    now = sql.now()
    # In one order everywhere, so that no two workers wait for each other.
    rows = [_row(number, found[number], former, now) for number in sorted(found)]
    marks = ", ".join([f"({sql.marks(len(_ISSUE))})"] * len(rows))
    sql.execute(
        f"INSERT INTO relay_issue ({', '.join(_ISSUE)}) VALUES {marks} ON CONFLICT (id) DO UPDATE SET {_CHANGES}",
        [value for row in rows for value in row],
    )
    _assign(found, former)


def _row(number: int, found: _Found, former: Mapping[int, int | None], now: int) -> tuple[Any, ...]:
    cause, last = found.cause, found.outcomes[-1].errand
    new = sum(former.get(one.errand.run_id) != number for one in found.outcomes)
    alert_at = None if last.plan.alerts_on == "never" else now + GATHERED
    return (
        number,
        last.workspace_id,
        last.flow_id,
        cause.step,
        cause.step_name,
        cause.kind.value,
        cause.words,
        cause.reason,
        IssueState.OPEN.value,
        now,
        now,
        new,
        last.run_id,
        int(last.plan.silence * 1e6),
        alert_at,
        0,
    )


def _assign(found: Mapping[int, _Found], former: Mapping[int, int | None]) -> None:
    moved = [
        (one.errand.run_id, number)
        for number, group in found.items()
        for one in group.outcomes
        if former.get(one.errand.run_id) != number
    ]
    if moved:
        rows = ", ".join(["(CAST(%s AS BIGINT), CAST(%s AS BIGINT))"] * len(moved))
        sql.execute(
            f"WITH v (id, issue) AS (VALUES {rows}) UPDATE relay_run SET issue_id = v.issue FROM v"
            " WHERE relay_run.id = v.id",
            [value for pair in moved for value in pair],
        )


def _bounded(found: list[tuple[Outcome, Cause]]) -> list[tuple[Outcome, Cause]]:
    """The same, with the causes that are too many for their flow made one."""
    new = _unknown({cause.issue_id: cause.flow_id for _, cause in found})
    room = _room(set(new.values()))
    kept: set[int] = set()
    for number, flow in new.items():
        if room[flow] > 0:
            room[flow] -= 1
            kept.add(number)
    return [
        (outcome, cause.merged() if cause.issue_id in new and cause.issue_id not in kept else cause)
        for outcome, cause in found
    ]


def _unknown(wanted: dict[int, int]) -> dict[int, int]:
    """Of issues, each with its flow, those that there are not yet."""
    if not wanted:
        return {}
    rows = sql.fetch(f"SELECT id FROM relay_issue WHERE id IN ({sql.marks(len(wanted))})", list(wanted))
    known = {row[0] for row in rows}
    return {number: flow for number, flow in wanted.items() if number not in known}


def _room(flows: set[int]) -> dict[int, int]:
    """How many more issues each flow may have."""
    if not flows:
        return {}
    statement = f"SELECT flow_id, count(*) FROM relay_issue WHERE flow_id IN ({sql.marks(len(flows))}) GROUP BY flow_id"
    counted = dict(sql.fetch(statement, list(flows)))
    return {flow: MOST_OF_FLOW - counted.get(flow, 0) for flow in flows}
