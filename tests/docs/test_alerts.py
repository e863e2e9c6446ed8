"""Every kind of issue, and what an alert contains, is on the page of alerts."""

from __future__ import annotations

from datetime import UTC, datetime

from relay.engine.alerts import alert_messages
from relay.models import Flow, Issue, IssueKind, Workspace
from tests.docs.reading import named, section

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def test_every_kind_of_issue_is_documented() -> None:
    assert set(named(section("alerts", "Kinds of issues"))) == {kind.value for kind in IssueKind}


def test_everything_in_an_alert_is_documented() -> None:
    issue = Issue(flow=Flow(pk=1), workspace=Workspace(), kind="failed", last_run_id=1, id=1, first_at=NOW, last_at=NOW)

    assert set(named(section("alerts", "What an alert contains"))) == set(alert_messages.event_body(issue))
