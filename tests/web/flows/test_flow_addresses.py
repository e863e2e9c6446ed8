"""Tests that viewers and read-only tokens see no URLs of flows anywhere, and that editors see them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from relay.engine.configuration import flow_lifecycle
from relay.engine.configuration.flow_addresses import mask_tokens
from relay.engine.intake import sample_events
from relay.engine.people import api_tokens
from relay.models import Attempt, Flow, Membership, Role, Run, Scope, User, Workspace
from relay.web.ui import times
from tests.support.browsing import Browser

JSON = dict[str, Any]


@pytest.fixture
def called(workspace: Workspace) -> Flow:
    document = {"relay": 1, "name": "Called", "trigger": {"kind": "webhook"}, "steps": []}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


@pytest.fixture
def caller(workspace: Workspace, called: Flow) -> Flow:
    """A flow that has the URL and the token of another one all over, in two versions and a draft."""
    url, token = called.trigger.url, called.trigger.token
    document: JSON = {
        "relay": 1,
        "name": "Caller",
        "title": f"To {url}",
        "trigger": {"kind": "webhook"},
        "constants": {"token": token, "there": url},
        "steps": [
            {"id": "call", "kind": "action", "action": "http.request", "inputs": {"url": url, "body": {"text": url}}},
            {"id": "v", "kind": "set", "values": {"a": quote(url, safe=""), "b": json.dumps(url).replace("/", "\\/")}},
        ],
    }
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    document["steps"][0]["inputs"]["url"] = f"{url}?again=1"
    flow_lifecycle.save_draft(flow, document)
    flow_lifecycle.publish(flow)
    document["steps"][0]["name"] = token
    flow_lifecycle.save_draft(flow, document)
    return flow


@pytest.fixture
def run(caller: Flow, called: Flow) -> Run:
    run = sample_events.send_sample(caller).runs.get()
    url = called.trigger.url
    record = {"method": "POST", "url": url, "headers": {"X-To": url}, "body": json.dumps({"url": url})}
    answer = {"status": 400, "headers": {"location": url}, "body": url}
    values = {"state": "failed", "request": record, "answer": answer, "error": f"The answer was 400: {url}"}
    Attempt.objects.create(run=run, step="call", number=1, started_at=times.now(), duration_us=1, **values)
    Run.objects.filter(pk=run.pk).update(
        state="failed",
        due_at=None,
        finished_at=times.now(),
        title=f"To {url}",
        reason=f"The answer was 400: {url}",
        trail=[{"id": "call", "kind": "action", "state": "failed", "error": f"“{url}” said no", "outputs": {"u": url}}],
    )
    return run


def member(workspace: Workspace, role: Role) -> Browser:
    user = User.objects.create_user(f"{role}@example.com", "correct horse battery")
    Membership.objects.create(workspace=workspace, user=user, role=role)
    browser = Browser()
    browser.force_login(user)
    return browser


def pages(caller: Flow, run: Run) -> list[str]:
    flow = f"/flows/{caller.pk}/"
    return [flow, f"{flow}?step=call", f"{flow}versions/", f"{flow}runs/", "/runs/", f"/runs/{run.ref}/", "/issues/"]


def test_a_viewer_sees_no_url_of_a_flow(workspace: Workspace, caller: Flow, called: Flow, run: Run) -> None:
    viewer, editor = member(workspace, Role.VIEWER), member(workspace, Role.EDITOR)

    seen = {path: viewer.get(path).content.decode() for path in pages(caller, run)}
    known = {path: editor.get(path).content.decode() for path in pages(caller, run)}

    token = called.trigger.token
    assert [path for path, page in seen.items() if token in page] == []
    assert "/in/••••••" in seen[f"/runs/{run.ref}/"]
    assert {f"/flows/{caller.pk}/?step=call", f"/runs/{run.ref}/", "/runs/"} <= {
        path for path, page in known.items() if token in page
    }


def test_a_read_only_token_sees_no_url_of_a_flow(workspace: Workspace, caller: Flow, called: Flow, run: Run) -> None:
    data_by_scope = {}
    for scope in (Scope.READ, Scope.WRITE):
        bearer = {"Authorization": f"Bearer {api_tokens.create(workspace, scope, scope, days=0)}"}
        paths = [f"flows/{caller.pk}", "flows", f"runs/{run.ref}", "runs"]
        answers = [Browser().get(f"/api/v1/{path}", headers=bearer) for path in paths]
        assert {answer.status_code for answer in answers} == {200}
        data_by_scope[scope] = [answer.json() for answer in answers]

    token = called.trigger.token
    assert token not in repr(data_by_scope[Scope.READ])
    assert data_by_scope[Scope.READ][0]["draft"]["constants"]["token"] == "••••••"
    assert data_by_scope[Scope.WRITE][0]["draft"]["constants"]["token"] == token
    assert data_by_scope[Scope.WRITE][2]["attempts"][0]["request"]["url"] == called.trigger.url


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "https://relay.example/in/{}",
        "http://10.0.0.1:8000/in/{}?a=1",
        '<a href="/in/{}">x</a>',
        "https%3A%2F%2Frelay.example%2Fin%2F{}%3Fa",
        "https:\\/\\/relay.example\\/in\\/{}\\n",
        "\\u002fin\\u002f{}\\u0022",
        "é{}é",
    ],
)
def test_it_is_found_whatever_is_around_it(called: Flow, around: str) -> None:
    token = called.trigger.token

    assert mask_tokens(around.format(token).encode()).decode() == around.format("••••••")


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "/in/short", "a" * 31, "b" * 64, "{0}x" * 3, "of sixteen words and no more"])
def test_texts_without_a_token_need_no_query(text: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert mask_tokens(text.encode()) == text.encode()

    assert queries.captured_queries == []


def test_what_only_looks_like_one_stays(called: Flow) -> None:
    text = b"/in/a-name-of-thirty-two-letters-xyz and linkedin.com/in/ada-lovelace-of-the-analytical"

    assert mask_tokens(text) == text
