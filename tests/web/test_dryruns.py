"""The page of dry runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine import connections, publish, samples, sampling, variables
from relay.models import Attempt, Event, Flow, Membership, Role, Run, User
from tests.web.conftest import DOCUMENT

BIG, SMALL = {"body": {"id": 7, "total": 30}}, {"body": {"id": 8, "total": 3}}
SLACK = {"id": "say", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "<b>"}}


@pytest.fixture
def big(flow: Flow) -> str:
    return f"sample:{samples.add(flow, 'Big', BIG).pk}"


def asked(client: Client, flow: Flow, **data: Any) -> Any:
    return client.post(f"/flows/{flow.pk}/dry-run/", {"version": "draft", "do": "run", **data})


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_without_events_the_page_says_what_to_do(alice: Client, flow: Flow) -> None:
    page = text(alice.get(f"/flows/{flow.pk}/dry-run/"))

    assert "No events yet" in page
    assert "Check all samples" not in page


def test_every_step_is_told_and_nothing_is_written(alice: Client, flow: Flow, big: str) -> None:
    before = [table.objects.count() for table in (Run, Event, Attempt)]

    page = text(asked(alice, flow, event=big))

    assert "It would go through to the end" in page
    assert "Would be sent" in page
    assert "To the built-in inbox" in page
    assert "Order 7" in page
    assert "Right away, before the steps are walked" in page
    assert [table.objects.count() for table in (Run, Event, Attempt)] == before


@pytest.mark.parametrize("kind", ["sample", "event", "paste"])
def test_an_event_is_chosen_or_pasted(alice: Client, flow: Flow, big: str, kind: str) -> None:
    arrived = sampling.send_sample(flow, b'{"id": 7, "total": 30}')
    chosen = {"sample": big, "event": f"event:{arrived.ref}", "paste": "paste"}[kind]

    page = text(asked(alice, flow, event=chosen, kind="application/json", body='{"id": 7, "total": 30}'))

    assert "Order 7" in page
    assert f'value="{chosen}" selected' in page


def test_a_version_is_chosen(alice: Client, flow: Flow, big: str) -> None:
    publish.save_draft(flow, {**DOCUMENT, "steps": []})

    assert "Order 7" not in text(asked(alice, flow, event=big))
    for version in ("live", "1"):
        assert "Order 7" in text(asked(alice, flow, event=big, version=version))


def test_what_fails_says_what_to_do(alice: Client, flow: Flow) -> None:
    sample = samples.add(flow, "Odd", {"body": {"total": 30}})

    page = text(asked(alice, flow, event=f"sample:{sample.pk}"))

    assert "event.body.id is missing" in page
    assert "Give it a default" in page
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
    publish.save_draft(flow, {**DOCUMENT, "steps": [SLACK, key]})

    page = text(asked(alice, flow, event=big))

    assert "canary" not in page
    assert "verysecret" not in page
    assert "https://a.example/?k=••••••" in page
    assert "&lt;b&gt;" in page
    assert ("The connection “S” isn't there yet" in page) != is_there


def test_what_the_caller_gets_is_told(alice: Client, flow: Flow, big: str) -> None:
    respond = {"id": "r", "kind": "respond", "status": 201, "body": "hello {{ event.body.id }}"}
    publish.save_draft(flow, {**DOCUMENT, "steps": [respond]})
    without = text(asked(alice, flow, event=big))
    trigger = {"kind": "webhook", "response": {"wait": "5s"}}
    publish.save_draft(flow, {**DOCUMENT, "trigger": trigger, "steps": [respond]})
    waiting = text(asked(alice, flow, event=big))
    publish.save_draft(flow, {**DOCUMENT, "trigger": trigger, "steps": []})
    silent = text(asked(alice, flow, event=big))

    assert "the trigger doesn&#x27;t wait for it" in without
    assert "the caller waits for it" in waiting
    assert "hello 7" in waiting
    assert "No step responds" in silent
    assert "Relay-State" in silent


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"event": ""}, "Choose an event"),
        ({"event": "paste", "kind": "application/json", "body": "{"}, "is not valid JSON"),
        ({"event": "BIG", "version": "99"}, "no such version"),
    ],
)
def test_what_cannot_be_walked_is_said(alice: Client, flow: Flow, big: str, data: dict[str, str], said: str) -> None:
    given = {name: big if value == "BIG" else value for name, value in data.items()}

    answer = asked(alice, flow, **given)

    assert answer.status_code == 422
    assert said in text(answer)


@pytest.mark.parametrize("do", ["run", "check"])
def test_a_draft_with_faults_is_not_walked(alice: Client, flow: Flow, big: str, do: str) -> None:
    publish.save_draft(flow, {**DOCUMENT, "steps": [{"id": "a", "kind": "set", "values": {"v": "{{ nope }}"}}]})

    answer = asked(alice, flow, event=big, do=do)

    assert answer.status_code == 422
    assert "steps[0].values.v" in text(answer)


def test_all_samples_are_checked(alice: Client, flow: Flow, big: str) -> None:
    samples.add(flow, "Small", SMALL)
    samples.add(flow, "Odd", {"body": {"total": 30}})

    page = text(asked(alice, flow, do="check"))

    assert page.count('<th scope="row">') == 3
    assert "its condition does not hold" in page
    assert "event.body.id is missing" in page


def test_who_may_only_look_sees_samples_but_walks_nothing(alice: Client, flow: Flow, big: str, client: Client) -> None:
    viewer = User.objects.create_user("viewer@example.com", "correct horse battery")
    Membership.objects.create(workspace=flow.workspace, user=viewer, role=Role.VIEWER)
    client.force_login(viewer)

    page = text(client.get(f"/flows/{flow.pk}/dry-run/"))

    assert "for editors" in page
    assert asked(client, flow, event=big).status_code == 403


def test_others_flows_are_not_there(bob: Client, flow: Flow, big: str) -> None:
    assert bob.get(f"/flows/{flow.pk}/dry-run/").status_code == 404
    assert asked(bob, flow, event=big).status_code == 404
