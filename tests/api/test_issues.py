"""Issues and alert recipients in the API."""

from __future__ import annotations

from typing import Any

import pytest

from relay.models import Batch, Flow, Issue, Run, User, Workspace
from tests.api.conftest import Caller
from tests.support.issues import issue_of


def test_issues_are_listed(call: Caller, flow: Flow) -> None:
    issue = issue_of(flow)
    issue_of(flow, 2, state="resolved")

    (row,) = call("GET", "/issues")["issues"]

    assert (row["issue"], row["state"], row["count"]) == (issue.ref, "open", 37)
    assert (row["cause"], row["flow"]) == ("Slack says no_1", {"id": flow.pk, "name": "Orders"})
    assert row["url"].endswith(f"/issues/{issue.ref}/")
    assert call("GET", f"/issues/{issue.ref}") == row


@pytest.mark.parametrize(("query", "count"), [("state=muted", 1), ("state=open", 0), ("state=muted&flow=999999", 0)])
def test_issues_are_narrowed(query: str, count: int, call: Caller, flow: Flow) -> None:
    issue_of(flow, state="muted")

    assert len(call("GET", f"/issues?{query}")["issues"]) == count


@pytest.mark.parametrize("query", ["state=odd", "limit=0", "limit=201", "flow=x", "flow=99999999999999999999"])
def test_a_filter_that_makes_no_sense_is_refused(query: str, call: Caller) -> None:
    call("GET", f"/issues?{query}", status=422)


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [("open", "resolve", "resolved"), ("open", "mute", "muted"), ("muted", "unmute", "open")],
)
def test_one_is_dealt_with(before: str, verb: str, after: str, call: Caller, flow: Flow) -> None:
    issue = issue_of(flow, state=before)

    done = call("POST", f"/issues/{issue.ref}/{verb}")
    again = call("POST", f"/issues/{issue.ref}/{verb}", status=409)

    assert done["state"] == Issue.objects.get().state == after
    assert "This issue is" in again["error"]


def test_all_runs_of_one_are_replayed(call: Caller, flow: Flow, run: Run) -> None:
    issue = issue_of(flow)
    Run.objects.update(issue_id=issue.pk, state="failed", due_at=None, finished_at=1)

    done = call("POST", f"/issues/{issue.ref}/replay", {"mode": "from_start", "per_minute": 60})

    batch = Batch.objects.get()
    assert (done["batch"], done["runs"], done["state"]) == (batch.pk, 1, "resolved")
    assert (batch.mode, batch.per_minute) == ("from_start", 60)
    assert [one["id"] for one in call("GET", f"/runs?issue={issue.ref}")["runs"]] == [run.ref]


@pytest.mark.parametrize("body", [{"mode": "odd"}, {"per_minute": "x"}, {"per_minute": True}])
def test_an_odd_replay_is_refused(body: dict[str, Any], call: Caller, flow: Flow) -> None:
    call("POST", f"/issues/{issue_of(flow).ref}/replay", body, status=422)


def test_what_is_held_is_not_replayed(call: Caller, flow: Flow) -> None:
    refused = call("POST", f"/issues/{issue_of(flow, kind='credential').ref}/replay", status=409)

    assert "they continue when the cause is fixed" in refused["error"]


def test_the_alert_flow_can_be_chosen(call: Caller, flow: Flow, owner: User, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1"

    chosen = call("PUT", "/alerts", {"flow": flow.pk})
    shown = call("GET", "/alerts")
    none = call("PUT", "/alerts", {"flow": None})

    assert chosen == shown == {"flow": {"id": flow.pk, "name": "Orders"}, "mail": [owner.email]}
    assert none["flow"] is None


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"flow": "x"}, 422), ({"flow": True}, 422), ({"flow": 999_999}, 404)]
)
def test_no_flow_that_is_none_is_chosen(body: dict[str, Any], status: int, call: Caller, workspace: Workspace) -> None:
    call("PUT", "/alerts", body, status=status)


def test_another_workspaces_issue_is_not_there(stranger: Caller, flow: Flow) -> None:
    issue = issue_of(flow)

    stranger("GET", f"/issues/{issue.ref}", status=404)
    stranger("POST", f"/issues/{issue.ref}/resolve", status=404)
    assert stranger("GET", "/issues")["issues"] == []
