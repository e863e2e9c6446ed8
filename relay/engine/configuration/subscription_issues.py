"""Opens and resolves the issue about a webhook that can't be renewed at its sender."""

from __future__ import annotations

from relay.engine.database import statements
from relay.engine.settle import issue_counting
from relay.engine.settle.failure_cause import MAX_REASON, MAX_WORDS, FailureCause
from relay.engine.settle.issue_counting import ALERT_DELAY, IssueRow
from relay.flows import alerts
from relay.models import Flow, Issue, IssueKind, IssueState, TriggerSubscription


def record(row: TriggerSubscription, flow: Flow, reason: str) -> None:
    """Count a failed try in the issue of the flow's webhook, which alerts as the flow says."""
    # The reason names the sender's service.
    cause = _cause(row.preset, flow.pk, f"The webhook can't be renewed: {reason}", reason)
    now = statements.now()
    wanted = alerts.alert_settings(flow.live_version.document if flow.live_version else flow.draft)
    issue_counting.store(
        [
            IssueRow(
                id=cause.issue_id,
                workspace_id=flow.workspace_id,
                flow_id=flow.pk,
                step="",
                step_name="",
                kind=cause.kind.value,
                cause=cause.words[:MAX_WORDS],
                reason=cause.reason[:MAX_REASON],
                state=IssueState.OPEN.value,
                first_at=now,
                last_at=now,
                count=1,
                last_run_id=0,
                silence=int(alerts.silence_seconds(wanted) * 1e6),
                alert_at=None if wanted.on == "never" else now + ALERT_DELAY,
                mail_tries=0,
            )
        ]
    )


def resolve(row: TriggerSubscription, flow_id: int) -> None:
    """Resolve the issue of a webhook that works again or was removed. What is muted stays muted."""
    issue_id = _cause(row.preset, flow_id, "", "").issue_id
    Issue.objects.filter(pk=issue_id, state=IssueState.OPEN).update(state=IssueState.RESOLVED, alert_at=None)


def _cause(preset: str, flow_id: int, words: str, reason: str) -> FailureCause:
    return FailureCause(flow_id, "", "", IssueKind.WEBHOOK, words, reason, preset)
