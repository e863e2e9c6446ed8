"""Creates issues as settling does."""

from __future__ import annotations

from typing import Any

from relay.engine.database import statements
from relay.models import Flow, Issue


def issue_of(flow: Flow, number: int = 1, **changes: Any) -> Issue:
    """An issue of a flow: 37 failures, whose alert is due."""
    usual: dict[str, Any] = {
        "workspace": flow.workspace,
        "step": "send",
        "step_name": "Tell Slack",
        "kind": "failed",
        "cause": f"Slack says no_{number}",
        "reason": "The answer was 200: no",
        "count": 37,
        "first_at": statements.now() - 60_000_000,
        "last_at": statements.now(),
        "last_run_id": 7,
        "silence": 3_600_000_000,
        "alert_at": statements.now(),
    }
    made = Issue.objects.create(id=number, flow=flow, **{**usual, **changes})
    return Issue.objects.select_related("flow", "workspace").get(pk=made.pk)
