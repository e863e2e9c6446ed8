"""A workspace with a flow, a run, and tokens that read and write; another workspace with its own token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import sample_events
from relay.engine.people import api_tokens
from relay.models import Flow, Run, Scope, Workspace
from tests.support.browsing import Browser
from tests.web.conftest import DOCUMENT


class Caller:
    """Calls the API with a token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.client = Browser(enforce_csrf_checks=True)

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        data = body if isinstance(body, bytes | str) else json.dumps(body) if body is not None else ""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.client.generic(method, f"/api/v1{path}", data, content_type="application/json", headers=headers)
        assert answer.status_code == status, answer.content
        if answer.streaming:
            return None
        self.headers, self.text = answer.headers, answer.content.decode()
        return answer.json()


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return flow_lifecycle.import_document(workspace, DOCUMENT, publish_it=True)


@pytest.fixture
def run(flow: Flow) -> Run:
    return sample_events.send_sample(flow).runs.get()


@pytest.fixture
def call(workspace: Workspace) -> Caller:
    return Caller(api_tokens.create(workspace, "Deploy", Scope.WRITE, days=1))


@pytest.fixture
def reader(workspace: Workspace) -> Caller:
    return Caller(api_tokens.create(workspace, "Reader", Scope.READ, days=0))


@pytest.fixture
def stranger(db: None) -> Caller:
    return Caller(api_tokens.create(Workspace.objects.create(name="Elsewhere"), "Other", Scope.WRITE, days=0))
