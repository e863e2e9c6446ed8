"""Commands run in this process, on the test's database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command


class Shell:
    """Runs a command and gives back what it prints; an error of ours is raised."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.complaints = ""

    def __call__(self, *words: str, given: str = "") -> str:
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*words, stdout=out, stderr=err)
        finally:
            self.complaints = err.getvalue()
        return out.getvalue()

    def json(self, *words: str, given: str = "") -> Any:
        return json.loads(self(*words, given=given))


@pytest.fixture
def shell(db: None, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(monkeypatch)


@pytest.fixture
def make_flow(shell: Shell, workspace: object) -> Callable[..., dict[str, Any]]:
    """Import and publish a flow that posts to the inbox; what `relay import` prints."""

    def make(name: str = "Orders", **keys: Any) -> dict[str, Any]:
        say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "hello"}}
        document = {"relay": 1, "name": name, "trigger": {"kind": "webhook"}, "steps": [say], **keys}
        return dict(shell.json("import", "-", "--publish", given=json.dumps(document)))

    return make
