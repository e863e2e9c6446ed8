"""Tests of the pages of issues and their actions, and of the choice of the flow for alerts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import AuditEntry, Batch, Flow, Issue, Run, Workspace
from tests.support.issues import issue_of
from tests.web.conftest import DOCUMENT

People = tuple[Client, Workspace]


def text(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def failed(flow: Flow, count: int = 1, **changes: Any) -> Issue:
    """An issue with runs that failed."""
    issue = issue_of(flow, count=count, **changes)
    event = publish_event(flow)
    for _ in range(count):
        run = Run.objects.create(
            workspace=flow.workspace, flow=flow, version=flow.live_version, event=event, state="failed", finished_at=1
        )
        Run.objects.filter(pk=run.pk).update(issue_id=issue.pk)
    return issue


def publish_event(flow: Flow) -> Any:
    from relay.engine.intake import sample_events

    event = sample_events.send_sample(flow)
    event.runs.all().delete()
    return event


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "Nothing is wrong"),
        ({"state": "muted"}, "No issue is muted"),
        ({"state": "resolved"}, "No issue is resolved"),
        ({"state": "odd"}, "Nothing is wrong"),
    ],
)
def test_empty(query: dict[str, str], words: str, alice: Client) -> None:
    assert words in text(alice, "/issues/", **query)


def test_each_is_a_row(alice: Client, flow: Flow) -> None:
    issue = issue_of(flow, count=1_284)
    issue_of(flow, 2, kind="credential", count=1, cause="Trello refuses the credential: no")

    page = text(alice, "/issues/")

    assert f'href="/issues/{issue.ref}/">Slack says no_1</a>' in page
    assert "1,284 failures" in page
    assert "Orders · step “Tell Slack”" in page
    assert f'href="/runs/{issue.run_ref}/"' in page
    assert "1 run held" in page
    assert page.count("Replay all…") == 1


def test_they_are_narrowed_by_state_and_flow(alices: People, flow: Flow) -> None:
    alice, workspace = alices
    other = flow_lifecycle.import_document(workspace, {**DOCUMENT, "name": "Other"})
    issue_of(flow, 1)
    issue_of(other, 2)
    issue_of(flow, 3, state="muted")

    everything, one, muted = (
        text(alice, "/issues/", **query) for query in ({}, {"flow": other.pk}, {"state": "muted", "flow": flow.pk})
    )

    assert [name for name in ("no_1", "no_2", "no_3") if f">Slack says {name}<" in everything] == ["no_1", "no_2"]
    assert "Open 2" in everything
    assert "Muted 1" in everything
    assert [name for name in ("no_1", "no_2", "no_3") if f">Slack says {name}<" in one] == ["no_2"]
    assert [name for name in ("no_1", "no_2", "no_3") if f">Slack says {name}<" in muted] == ["no_3"]
    assert "No issue of this flow is resolved" in text(alice, "/issues/", state="resolved", flow=flow.pk)


def test_the_list_costs_the_same_however_many(alice: Client, flow: Flow, django_assert_num_queries: Any) -> None:
    for number in range(1, 31):
        issue_of(flow, number)

    # The session, the person, the memberships; the issues with their flows, and how many there are of each state.
    with django_assert_num_queries(5):
        alice.get("/issues/")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("failed", "Fix the step or the service, then replay these runs."),
        ("destination", "as soon as the destination answers, all of them continue"),
        ("credential", "Enter the credential again, or connect it again, under"),
        ("key", "Restore the key, or enter the secret again"),
        ("unknown", "choose “Send again” or “It was done”"),
    ],
)
def test_an_issue_says_what_to_do(kind: str, words: str, alice: Client, flow: Flow) -> None:
    issue = issue_of(flow, kind=kind, reason="The answer was 400: <b>odd</b>")

    page = text(alice, f"/issues/{issue.ref}/")

    assert words in page
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    assert f"/runs/?issue={issue.ref}" in page


@pytest.mark.parametrize(
    ("before", "do", "after", "verb"),
    [
        ("open", "resolve", "resolved", "issue.resolved"),
        ("open", "mute", "muted", "issue.muted"),
        ("resolved", "mute", "muted", "issue.muted"),
        ("muted", "unmute", "open", "issue.unmuted"),
    ],
)
def test_actions_on_an_issue(before: str, do: str, after: str, verb: str, alice: Client, flow: Flow) -> None:
    issue = issue_of(flow, state=before)

    answer = alice.post(f"/issues/{issue.ref}/act/", {"do": do, "back": "list"}, follow=True)

    assert answer.redirect_chain == [("/issues/", 302)]
    assert f"Issue {after}" in answer.content.decode()
    assert Issue.objects.get().state == after
    assert AuditEntry.objects.filter(verb=verb, who="alice@example.com", thing="Slack says no_1").count() == 1


@pytest.mark.parametrize(("do", "words"), [("resolve", "This issue is resolved already"), ("odd", "Choose what to do")])
def test_an_impossible_action_is_refused(do: str, words: str, alice: Client, flow: Flow) -> None:
    issue = issue_of(flow, state="resolved")

    answer = alice.post(f"/issues/{issue.ref}/act/", {"do": do}, follow=True)

    assert answer.redirect_chain == [(f"/issues/{issue.ref}/", 302)]
    assert words in answer.content.decode()


def test_all_of_its_runs_are_replayed_and_it_is_resolved(alice: Client, flow: Flow) -> None:
    issue = failed(flow, 3)
    address = f"/runs/many/?all=1&issue={issue.ref}"

    confirmation = text(alice, address)
    answer = alice.post(address, {"mode": "from_start"})

    batch = Batch.objects.get()
    assert "Replay 3 runs?" in confirmation
    assert "The issue is then resolved" in confirmation
    assert answer["Location"] == f"/runs/batches/{batch.pk}/"
    assert batch.chosen == {"issue": issue.ref, "unreplayed": True}
    assert Issue.objects.get().state == "resolved"


def test_a_refused_replay_leaves_it_open(alice: Client, flow: Flow) -> None:
    issue = issue_of(flow)

    answer = alice.post(f"/runs/many/?all=1&issue={issue.ref}", {"mode": "from_start"})

    assert answer.status_code == 422
    assert Issue.objects.get().state == "open"


def test_its_runs_are_listed(alice: Client, flow: Flow) -> None:
    issue = failed(flow, 2)
    publish_event(flow)
    other = Run.objects.create(
        workspace=flow.workspace, flow=flow, version=flow.live_version, event=flow.events.first(), state="succeeded"
    )

    page = text(alice, "/runs/", issue=issue.ref)

    assert page.count('name="run" value="') == 2
    assert other.ref not in page
    assert "Of one issue" in page


def test_a_run_names_its_issue(alice: Client, flow: Flow) -> None:
    issue = failed(flow)

    page = text(alice, f"/runs/{Run.objects.get().ref}/")

    assert f'<a href="/issues/{issue.ref}/">Issue</a>' in page


# Above the flows


def test_there_is_no_banner_without_issues(alice: Client, flow: Flow) -> None:
    issue_of(flow, 1, state="resolved")
    issue_of(flow, 2, state="muted")

    assert "one cause" not in text(alice, "/flows/")


def test_the_banner_shows_one_cause(alice: Client, flow: Flow) -> None:
    issue = issue_of(flow, cause="Slack says channel_not_found")

    page = text(alice, "/flows/")

    assert f'1 problem: 37 failures. <a href="/issues/{issue.ref}/">Slack says channel_not_found</a>' in page


def test_the_banner_counts_many_causes(alice: Client, flow: Flow) -> None:
    issue_of(flow, 1, count=3)
    issue_of(flow, 2, count=500, cause="Slack says channel_not_found")
    issue_of(flow, 3, count=40, kind="destination")

    page = text(alice, "/flows/")

    assert "3 problems stopped 543 runs. Most: " in page
    assert ">Slack says channel_not_found</a>" in page


def test_a_stranger_sees_nothing(bob: Client, flow: Flow) -> None:
    issue = issue_of(flow)

    assert bob.get(f"/issues/{issue.ref}/").status_code == 404
    assert bob.post(f"/issues/{issue.ref}/act/", {"do": "resolve"}).status_code == 404
    assert bob.get("/issues/", {"flow": flow.pk}).status_code == 404
    assert "no_1" not in text(bob, "/issues/") + text(bob, "/flows/") + text(bob, "/runs/", issue=issue.ref)


# Alerts


def test_the_flow_for_alerts_is_chosen_on_the_page_of_the_workspace(alices: People, flow: Flow) -> None:
    alice, workspace = alices
    before = text(alice, "/workspace/")

    alice.post("/workspace/alerts/", {"flow": flow.pk})
    workspace.refresh_from_db()
    chosen, after = workspace.alert_flow_id, text(alice, "/workspace/")
    alice.post("/workspace/alerts/", {"flow": ""})
    workspace.refresh_from_db()

    assert f'<option value="{flow.pk}">Orders</option>' in before
    assert f'<option value="{flow.pk}" selected>Orders</option>' in after
    assert (chosen, workspace.alert_flow_id) == (flow.pk, None)


@pytest.mark.parametrize(("url", "words"), [("", "set up, so nobody gets mail"), ("smtp://e", "alice@example.com")])
def test_the_page_says_who_gets_mail(url: str, words: str, alice: Client, settings: Any) -> None:
    settings.EMAIL_URL = url

    assert words in text(alice, "/workspace/")


def test_a_draft_cannot_receive_alerts(alices: People) -> None:
    alice, workspace = alices
    draft = flow_lifecycle.import_document(workspace, DOCUMENT)

    answer = alice.post("/workspace/alerts/", {"flow": draft.pk}, follow=True)

    assert "This flow is a draft: publish it first." in answer.content.decode()


def test_anothers_flow_is_not_there(bob: Client, flow: Flow) -> None:
    assert bob.post("/workspace/alerts/", {"flow": flow.pk}).status_code == 404
