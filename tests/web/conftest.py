"""Fixtures: Alice and Bob with their own workspaces, and a flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.handbook import Handbook
from relay.models import Flow, Membership, User, Workspace
from relay.web.editor import draft_saving
from relay.web.help import help_pages
from tests.support.browsing import Browser

DOCUMENT: dict[str, Any] = {
    "relay": 1,
    "name": "Orders",
    "title": "Order #{{ event.body.id }}",
    "trigger": {"kind": "webhook"},
    "steps": [
        {
            "id": "big",
            "kind": "filter",
            "when": {"all": [{"left": "{{ event.body.total }}", "op": "greater_than", "right": 20}]},
        },
        {
            "id": "tell",
            "kind": "action",
            "action": "inbox.post",
            "inputs": {"channel": "orders", "text": "Order {{ event.body.id }}"},
        },
    ],
}


def _person(email: str) -> tuple[Client, Workspace]:
    user = User.objects.create_user(email, "correct horse battery")
    workspace = Workspace.objects.create(name=email)
    Membership.objects.create(workspace=workspace, user=user)
    client = Browser()
    client.force_login(user)
    return client, workspace


@pytest.fixture
def alices(db: None) -> tuple[Client, Workspace]:
    return _person("alice@example.com")


@pytest.fixture
def alice(alices: tuple[Client, Workspace]) -> Client:
    return alices[0]


@pytest.fixture
def bobs(db: None) -> tuple[Client, Workspace]:
    return _person("bob@example.com")


@pytest.fixture
def bob(bobs: tuple[Client, Workspace]) -> Client:
    return bobs[0]


@pytest.fixture
def flow(alices: tuple[Client, Workspace]) -> Flow:
    """Alice's, live."""
    return flow_lifecycle.import_document(alices[1], DOCUMENT, publish_it=True)


def posted(**values: Any) -> QueryDict:
    """Return posted form data; a list for a name with several values."""
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def read_form(document: dict[str, Any], data: QueryDict) -> str:
    """Read a posted form into the document, in place, and return the id of the open card."""
    edited = draft_saving.read(Flow(draft=document), data)
    document.clear()
    document.update(edited.document)
    return edited.open_id


HELP = """# Steps

What a flow does, by [settings](settings.md#time).

## Delay

```json
{"text": "{{ event.body.name | upper }}"}
```
"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the documentation with three pages."""
    (tmp_path / "index.md").write_text("# Start\n\nThe first page.\n")
    (tmp_path / "steps.md").write_text(HELP)
    (tmp_path / "settings.md").write_text("# Settings\n\n## Time\n\nThe `<zone>` of a delay.\n")
    (tmp_path / "mkdocs.yml").write_text("nav: [index.md, {Build: [steps.md]}, {Run: [settings.md]}]")
    made = Handbook(tmp_path, tmp_path / "mkdocs.yml", help_pages.address)
    monkeypatch.setattr(help_pages, "handbook", lambda: made)
