"""Tests of the page of dry runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import connections, flow_lifecycle, samples, variables
from relay.engine.intake import sample_events
from relay.models import Attempt, Event, Flow, Membership, Role, Run, User
from tests.web.conftest import DOCUMENT

BIG, SMALL = {"body": {"id": 7, "total": 30}}, {"body": {"id": 8, "total": 3}}
SLACK = {"id": "say", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "<b>"}}


@pytest.fixture
def big(flow: Flow) -> str:
    return f"sample:{samples.add(flow, 'Big', BIG).pk}"


def post(client: Client, flow: Flow, **data: Any) -> Any:
    return client.post(f"/flows/{flow.pk}/dry-run/", {"version": "draft", "do": "run", **data}, follow=True)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_without_events_the_page_says_what_to_do(alice: Client, flow: Flow) -> None:
    page = text(alice.get(f"/flows/{flow.pk}/dry-run/"))

    assert "No events yet" in page
    assert "Check all samples" not in page


def test_every_step_is_shown_and_nothing_is_written(alice: Client, flow: Flow, big: str) -> None:
    before = [table.objects.count() for table in (Run, Event, Attempt)]

    page = text(post(alice, flow, event=big))

    assert "It would run to the end" in page
    assert "Would be sent" in page
    assert "To the built-in inbox" in page
    assert "Order 7" in page
    assert "Immediately, before the steps run" in page
    assert [table.objects.count() for table in (Run, Event, Attempt)] == before


@pytest.mark.parametrize("kind", ["sample", "event", "paste"])
def test_an_event_is_chosen_or_pasted(alice: Client, flow: Flow, big: str, kind: str) -> None:
    arrived = sample_events.send_sample(flow, b'{"id": 7, "total": 30}')
    chosen = {"sample": big, "event": f"event:{arrived.ref}", "paste": "paste"}[kind]

    page = text(post(alice, flow, event=chosen, kind="application/json", body='{"id": 7, "total": 30}'))

    assert "Order 7" in page
    assert f'value="{chosen}" selected' in page


def test_a_version_is_chosen(alice: Client, flow: Flow, big: str) -> None:
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "steps": []})

    assert "Order 7" not in text(post(alice, flow, event=big))
    for version in ("live", "1"):
        assert "Order 7" in text(post(alice, flow, event=big, version=version))


def test_a_fault_comes_with_advice(alice: Client, flow: Flow) -> None:
    sample = samples.add(flow, "Odd", {"body": {"total": 30}})

    page = text(post(alice, flow, event=f"sample:{sample.pk}"))

    assert "event.body.id is missing" in page
    assert "Add a default" in page
    assert f"/flows/{flow.pk}/?step=tell" in page


@pytest.mark.parametrize("is_there", [True, False])
def test_secrets_are_masked_and_a_missing_connection_is_named(
    alice: Client, flow: Flow, big: str, is_there: bool
) -> None:
    key = {"id": "ask", "kind": "action", "action": "http.request"}
    key["inputs"] = {"url": "https://a.example/?k={{ vars.key }}"}  # type: ignore[assignment]
    variables.set_variable(flow.workspace, "key", "canary-key", secret=True)
    if is_there:
        hook = "https://hooks.slack.com/services/T0/B0/verysecret"
        connections.set_connection(flow.workspace, "S", "slack", {"webhook_url": hook})
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "steps": [SLACK, key]})

    page = text(post(alice, flow, event=big))

    assert "canary" not in page
    assert "verysecret" not in page
    assert "https://a.example/?k=••••••" in page
    assert "&lt;b&gt;" in page
    assert ("The connection “S” isn't there yet" in page) != is_there


def test_the_answer_to_the_caller_is_shown(alice: Client, flow: Flow, big: str) -> None:
    respond = {"id": "r", "kind": "respond", "status": 201, "body": "hello {{ event.body.id }}"}
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "steps": [respond]})
    without = text(post(alice, flow, event=big))
    trigger = {"kind": "webhook", "response": {"wait": "5s"}}
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "trigger": trigger, "steps": [respond]})
    waiting = text(post(alice, flow, event=big))
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "trigger": trigger, "steps": []})
    silent = text(post(alice, flow, event=big))

    assert "the trigger doesn&#x27;t wait for it" in without
    assert "the caller waits for it" in waiting
    assert "hello 7" in waiting
    assert "No step responds" in silent
    assert "Relay-State" in silent


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"event": ""}, "Choose an event"),
        ({"event": "paste", "kind": "application/json", "body": "{"}, "is not valid JSON"),
        ({"event": "BIG", "version": "99"}, "no such version"),
    ],
)
def test_an_impossible_dry_run_is_refused(
    alice: Client, flow: Flow, big: str, data: dict[str, str], message: str
) -> None:
    given = {name: big if value == "BIG" else value for name, value in data.items()}

    answer = post(alice, flow, **given)

    assert answer.status_code == 422
    assert message in text(answer)


@pytest.mark.parametrize("do", ["run", "check"])
def test_a_draft_with_faults_is_not_walked(alice: Client, flow: Flow, big: str, do: str) -> None:
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "steps": [{"id": "a", "kind": "set", "values": {"v": "{{ nope }}"}}]})

    answer = post(alice, flow, event=big, do=do)

    assert answer.status_code == 422
    assert "steps[0].values.v" in text(answer)


def test_all_samples_are_checked(alice: Client, flow: Flow, big: str) -> None:
    samples.add(flow, "Small", SMALL)
    samples.add(flow, "Odd", {"body": {"total": 30}})

    page = text(post(alice, flow, do="check"))

    assert page.count('<th scope="row">') == 3
    assert "its condition does not hold" in page
    assert "event.body.id is missing" in page


def test_a_viewer_sees_samples_but_runs_nothing(alice: Client, flow: Flow, big: str, client: Client) -> None:
    viewer = User.objects.create_user("viewer@example.com", "correct horse battery")
    Membership.objects.create(workspace=flow.workspace, user=viewer, role=Role.VIEWER)
    client.force_login(viewer)

    page = text(client.get(f"/flows/{flow.pk}/dry-run/"))

    assert "for editors" in page
    assert post(client, flow, event=big).status_code == 403


def test_others_flows_are_not_there(bob: Client, flow: Flow, big: str) -> None:
    assert bob.get(f"/flows/{flow.pk}/dry-run/").status_code == 404
    assert post(bob, flow, event=big).status_code == 404


def test_a_result_has_an_address(alice: Client, flow: Flow, big: str) -> None:
    for data in ({"event": big}, {"do": "check"}, {"event": "paste", "kind": "application/json", "body": '{"id": 7}'}):
        answer = alice.post(f"/flows/{flow.pk}/dry-run/", {"version": "draft", "do": "run", **data})
        assert answer.status_code == 302
        assert alice.get(answer["Location"]).status_code in (200, 422)
    assert "Order 7" in text(alice.get(f"/flows/{flow.pk}/dry-run/", {"do": "run", "event": big}))


def test_what_is_too_long_for_an_address_is_answered_at_once(alice: Client, flow: Flow) -> None:
    body = '{"id": 7, "total": 30, "note": "%s"}' % ("x" * 20_000)

    answer = alice.post(
        f"/flows/{flow.pk}/dry-run/", {"do": "run", "event": "paste", "kind": "application/json", "body": body}
    )

    assert answer.status_code == 200
    assert "Order 7" in text(answer)


def test_the_address_of_a_result_runs_nothing_for_a_viewer(alice: Client, flow: Flow, big: str) -> None:
    Membership.objects.filter(user=User.objects.get(email="alice@example.com")).update(role=Role.VIEWER)

    assert "Order 7" not in text(alice.get(f"/flows/{flow.pk}/dry-run/", {"do": "run", "event": big}))
