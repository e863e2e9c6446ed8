"""A workspace with a flow, a run, and tokens that read and write; another workspace with a token of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from relay.engine import publish, sampling, tokens
from relay.models import Flow, Run, Scope, Workspace
from tests.web.conftest import DOCUMENT


class Caller:
    """Calls the API with a token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.client = Client(enforce_csrf_checks=True)

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        data = body if isinstance(body, bytes | str) else json.dumps(body) if body is not None else ""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.client.generic(method, f"/api/v1{path}", data, content_type="application/json", headers=headers)
        assert answer.status_code == status, answer.content
        self.headers = answer.headers
        return answer.json()


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return publish.import_document(workspace, DOCUMENT, publish_it=True)


@pytest.fixture
def run(flow: Flow) -> Run:
    return sampling.send_sample(flow).runs.get()


@pytest.fixture
def call(workspace: Workspace) -> Caller:
    return Caller(tokens.create(workspace, "Deploy", Scope.WRITE, days=1))


@pytest.fixture
def reader(workspace: Workspace) -> Caller:
    return Caller(tokens.create(workspace, "Reader", Scope.READ, days=0))


@pytest.fixture
def stranger(db: None) -> Caller:
    return Caller(tokens.create(Workspace.objects.create(name="Elsewhere"), "Other", Scope.WRITE, days=0))
