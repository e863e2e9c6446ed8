"""Tests where runs show variables and constants, and that secret ones are not shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_httpserver import HTTPServer
from werkzeug import Response

from relay.engine.configuration import flow_lifecycle, variables
from relay.engine.dry_run import dry_runs
from relay.engine.intake.event_data import EventData
from relay.engine.preview import preview
from relay.engine.walk.variables import NONE
from relay.engine.worker.claim import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import DocumentFaults, RelayError
from relay.models import Flow, InboxMessage, Run, Workspace
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "s3cr3t/Wert+1"
JSON = dict[str, Any]


def sending(url: str, **inputs: Any) -> JSON:
    document = posting(url)
    document["steps"][0]["inputs"] |= inputs
    return document


def stored(run: Run) -> str:
    """Everything stored of a run, as text."""
    run.refresh_from_db()
    attempts = [(one.request, one.answer, one.error) for one in run.attempts.all()]
    messages = list(InboxMessage.objects.values_list("channel", "title", "text"))
    return repr((run.trail, run.reason, run.title, attempts, messages))


def test_plain_variables_and_constants_are_seen_everywhere(
    workspace: Workspace, live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    variables.set_variable(workspace, "shop", "Acme")
    document = {
        "relay": 1,
        "name": "F",
        "title": "{{ vars.shop }} {{ constants.vat }}",
        "trigger": {"kind": "webhook"},
        "constants": {"vat": 19},
        "steps": [
            {"id": "v", "kind": "set", "values": {"x": "{{ vars.shop }}", "y": "{{ constants.vat + 1 }}"}},
            {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ vars.shop }}"}},
        ],
    }
    (run,) = arrive(live(document))

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert run.title == "Acme 19"
    assert run.steps[0]["outputs"] == {"x": "Acme", "y": 20}
    assert InboxMessage.objects.get().text == "Acme"


def test_a_change_holds_from_the_next_run_on(
    workspace: Workspace, live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    document: JSON = {"relay": 1, "name": "F", "title": "{{ vars.a }}", "trigger": {"kind": "webhook"}, "steps": []}
    variables.set_variable(workspace, "a", "one")
    flow = live(document)

    (first,) = arrive(flow)
    work(walkers=walkers, linger=0)
    variables.set_variable(workspace, "a", "two")
    (second,) = arrive(flow)
    work(walkers=walkers, linger=0)

    assert list(Run.objects.filter(pk__in=[first.pk, second.pk]).order_by("id").values_list("title", flat=True)) == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        {"headers": {"X-Thing": "{{ vars.key }}"}},
        {"query": {"q": "{{ vars.key }}"}},
        {"body": {"json": {"a": ["is {{ vars.key }}."]}}},
        {"body": {"form": {"a": "{{ vars.key }}"}}},
        {"headers": {"X-Thing": "{{ ('me:' ~ vars.key) | urlencode }}"}},
        {"body": {"text": "{{ vars.key | upper }}"}},
        {"body": {"text": "{{ vars.key[:6] }}"}},
        {"body": {"text": "{{ vars.key | reverse }}"}},
        {"body": {"json": "{{ {'deep': [vars.key | lower]} }}"}},
        {"body": {"text": "{{ vars.key }} and {{ vars.key | upper }}"}},
        {"body": {"text": "{{ vars.key }}{{ vars.key | reverse }}{{ now() }}"}},
        {"body": {"json": {"a": "{{ vars.key }}", "b": "{{ vars | tojson | upper }}"}}},
        {"body": {"json": "{{ [vars.key, vars.key | lower] }}"}},
    ],
)
def test_a_secret_is_sent_and_never_stored(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    destination: HTTPServer,
    inputs: JSON,
) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)

    def echo(request: Any) -> Response:
        return Response(f"{request.url} {request.headers} {request.get_data(as_text=True)}")

    destination.expect_request("/in").respond_with_handler(echo)
    (run,) = arrive(live(sending(destination.url_for("/in"), **inputs)))

    work(walkers=walkers, linger=0)

    (sent, _), kept = destination.log[0], stored(run)
    whole = f"{sent.url} {sent.headers} {sent.get_data(as_text=True)}"
    made = [SECRET, SECRET.upper(), SECRET.lower(), SECRET[::-1], quote_plus(SECRET)]
    assert any(one in whole or "s3cr3t" in whole for one in made)
    assert not [one for one in (*made, "s3cr3t") if one in kept]
    assert "••••••" in kept


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("Bearer {{ vars.key }} of {{ event.body.id }}", "Bearer •••••• of 1"),
        ("{{ 'Bearer ' ~ vars.key ~ now()[:1] }}", "Bearer ••••••2"),
        ("{{ {'token': vars.key, 'id': event.body.id} | tojson }}", '{"token": "••••••", "id": 1}'),
        ("{{ vars.key }} {{ vars.key | sha256 }}", "••••••"),
    ],
)
def test_what_is_around_a_secret_is_shown(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    destination: HTTPServer,
    template: str,
    shown: str,
) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)
    destination.expect_request("/in").respond_with_data("ok")
    (run,) = arrive(live(sending(destination.url_for("/in"), body={"text": template})), b'{"id": 1}')

    work(walkers=walkers, linger=0)

    (attempt,) = run.attempts.all()
    assert attempt.request["body"] == shown


def test_a_secret_is_masked_in_later_steps_and_messages(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    destination: HTTPServer,
) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)
    destination.expect_request("/in").respond_with_json({"you": f"sent {SECRET}"})
    document = sending(destination.url_for("/in"), body={"json": {"k": "{{ vars.key }}"}})
    document["steps"] += [
        {"id": "v", "kind": "set", "values": {"x": "{{ steps.send.body.you }}"}},
        {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ steps.v.x }} {{ vars.key }}"}},
        {"id": "again", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ steps.v.x }}"}},
    ]
    (run,) = arrive(live(document))

    work(walkers=walkers, linger=0)

    assert SECRET not in stored(run)
    assert InboxMessage.objects.filter(text="sent ••••••").count() == 1


def test_a_fault_says_no_secret(
    workspace: Workspace, live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    variables.set_variable(workspace, "key", f"http://127.0.0.1:1/{SECRET}", secret=True)
    (run,) = arrive(live(sending("{{ vars.key }}")))

    work(walkers=walkers, linger=0)

    assert run.attempts.count() == 1
    assert SECRET not in stored(run)


def test_a_secret_variable_is_not_there_outside_inputs(
    workspace: Workspace, live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    """This also holds for a version that was published before the variable became secret."""
    values = {"id": "v", "kind": "set", "values": {"x": "{{ vars.key }}"}}
    variables.set_variable(workspace, "key", "plain")
    flow = live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [values]})
    with pytest.raises(RelayError, match="uses it outside the inputs of actions"):
        variables.set_variable(workspace, "key", SECRET, secret=True)
    row = workspace.variables.get()
    row.seal(SECRET)
    row.save()
    (run,) = arrive(flow)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert run.reason.startswith("vars.key is missing")


def test_publishing_refuses_a_secret_out_of_its_place(workspace: Workspace) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)
    document: JSON = {
        "relay": 1,
        "name": "F",
        "title": "{{ vars.key }} {{ vars.other }}",
        "trigger": {"kind": "webhook"},
        "steps": [],
    }
    flow = flow_lifecycle.import_document(workspace, document)

    with pytest.raises(DocumentFaults) as caught:
        flow_lifecycle.publish(flow)

    assert {fault.path for fault in caught.value.faults} == {"title"}
    assert "key is a secret variable: those stand only in the inputs of actions" in str(caught.value)
    assert "there is no variable other; add it under Variables" in str(caught.value)


def test_a_plan_without_variables_asks_for_none(
    workspace: Workspace, live: Callable[..., Flow], arrive: Callable[..., list[Run]]
) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)
    arrive(live(posting("http://127.0.0.1/")))

    with CaptureQueriesContext(
        connection,
    ) as asked:
        (work_item,) = claim()

    assert not [query for query in asked.captured_queries if "relay_variable" in query["sql"]]
    assert work_item.variables is NONE


def test_a_preview_shows_no_secret(workspace: Workspace, live: Callable[..., Flow]) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)
    inputs = {
        "headers": {"X-A": "{{ vars.key }}", "X-B": "{{ vars.key | upper }}"},
        "body": {"text": "x{{ vars.key }}"},
    }
    flow = live(sending("https://example.com/", **inputs))
    flow.events.create(
        workspace=workspace, state="captured", received_at=flow.created_at, method="POST", headers={}, body=b"{}"
    )

    shown = preview.preview(flow, flow.draft, "send", flow.events.get())

    assert shown.fields["body.text"].text == "x••••••"
    assert "S3CR3T" not in repr(shown)
    assert shown.request is not None
    assert SECRET not in repr(shown)
    assert SECRET.upper() not in repr(shown)


@pytest.mark.parametrize(
    ("name", "value", "secret", "said"),
    [
        ("a-b", "x", False, "letters, digits and _"),
        ("1a", "x", False, "begins with a letter"),
        ("a" * 65, "x", False, "up to 64"),
        ("ok", "x" * 16_385, False, "16,384 characters"),
        ("ok", "a\0b", False, "no NUL"),
        ("ok", "abc", True, "4 characters or more"),
    ],
)
def test_what_is_no_variable_is_refused(workspace: Workspace, name: str, value: str, secret: bool, said: str) -> None:
    with pytest.raises(RelayError, match=said):
        variables.set_variable(workspace, name, value, secret=secret)


def test_what_is_secret_stays_so(workspace: Workspace) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)

    changed = variables.set_variable(workspace, "key", "another")

    assert changed.is_secret
    assert changed.value == ""
    assert changed.unseal() == "another"


def test_a_variable_of_a_live_flow_can_not_be_removed(workspace: Workspace, live: Callable[..., Flow]) -> None:
    variable = variables.set_variable(workspace, "shop", "Acme")
    live({"relay": 1, "name": "Uses it", "title": "{{ vars.shop }}", "trigger": {"kind": "webhook"}, "steps": []})

    with pytest.raises(RelayError, match="shop is used by Uses it"):
        variables.remove(variable)


def test_a_dry_run_shows_no_secret(workspace: Workspace, live: Callable[..., Flow]) -> None:
    variables.set_variable(workspace, "key", SECRET, secret=True)
    flow = live(sending("https://example.com/", body={"json": {"a": "{{ vars.key }}", "b": "{{ vars.key | upper }}"}}))
    event = EventData(1, "POST", "", "{}", "application/json", b"{}", 0)

    shown = dry_runs.run(flow.draft, event, dry_runs.context_for(flow))

    assert shown["state"] == "succeeded"
    assert "s3cr3t" not in repr(shown).lower()
    assert "••••••" in repr(shown)
