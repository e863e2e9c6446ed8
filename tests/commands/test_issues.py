"""`relay issues` and `relay alerts`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.errors import RelayError
from relay.models import AuditEntry, Batch, Flow, Issue, Run, RunState, Workspace
from tests.commands.conftest import Shell
from tests.commands.test_runs import make_run
from tests.support.issues import issue_of


@pytest.fixture
def flow(make_flow: Callable[..., dict[str, Any]]) -> Flow:
    return Flow.objects.get(pk=make_flow()["flow"])


def test_open_issues_are_listed(shell: Shell, flow: Flow) -> None:
    issue = issue_of(flow)
    issue_of(flow, 2, state="muted")

    table = shell("issues")
    rows = shell.json("issues", "--json")

    assert [row["issue"] for row in rows] == [issue.ref]
    assert (rows[0]["count"], rows[0]["state"], rows[0]["flow"]["name"]) == (37, "open", "Orders")
    assert "Slack says no_1" in table
    assert "no_2" not in table


def test_issues_are_narrowed(shell: Shell, flow: Flow, make_flow: Callable[..., dict[str, Any]]) -> None:
    issue_of(flow, 1, state="muted")
    other = issue_of(Flow.objects.get(pk=make_flow("Other")["flow"]), 2, state="muted")

    rows = shell.json("issues", "--state", "muted", "--flow", "Other", "--json")

    assert [row["issue"] for row in rows] == [other.ref]


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [("open", "resolve", "resolved"), ("open", "mute", "muted"), ("muted", "unmute", "open")],
)
def test_one_is_dealt_with(before: str, verb: str, after: str, shell: Shell, flow: Flow) -> None:
    issue = issue_of(flow, state=before)

    said = shell("issues", verb, issue.ref)

    assert issue.ref in said
    assert Issue.objects.get().state == after
    assert AuditEntry.objects.get(verb__startswith="issue.").kind == "command"


@pytest.mark.parametrize(("words", "mode"), [([], "failed_steps"), (["--live"], "from_start")])
def test_all_runs_of_one_are_replayed(words: list[str], mode: str, shell: Shell, flow: Flow) -> None:
    issue = issue_of(flow)
    run = make_run(flow, state=RunState.FAILED)
    Run.objects.filter(pk=run.pk).update(issue_id=issue.pk)

    said = shell("issues", "replay", issue.ref, "--per-minute", "30", *words)

    batch = Batch.objects.get()
    assert (batch.mode, batch.per_minute, batch.total) == (mode, 30, 1)
    assert f"Batch {batch.pk} replays up to 1 run" in said
    assert Issue.objects.get().state == "resolved"


def test_an_unknown_issue_is_reported(shell: Shell) -> None:
    with pytest.raises(RelayError, match="There is no issue x"):
        shell("issues", "resolve", "x")


def test_the_alert_flow_can_be_chosen(shell: Shell, flow: Flow, workspace: Workspace) -> None:
    before = shell("alerts")
    chosen = shell.json("alerts", "--flow", "Orders", "--json")
    workspace.refresh_from_db()
    alert_flow = workspace.alert_flow_id
    after = shell("alerts", "--no-flow")

    assert before == after == "Acme: no flow; nobody by mail.\n"
    assert chosen == {"workspace": "Acme", "flow": {"id": flow.pk, "name": "Orders"}, "mail": []}
    assert alert_flow == flow.pk
