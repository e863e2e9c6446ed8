"""Alice and Bob, each with a workspace of their own, and a flow in it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from relay.engine import publish
from relay.models import Flow, Membership, User, Workspace
from tests.browsing import Browser

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
    return publish.import_document(alices[1], DOCUMENT, publish_it=True)


def posted(**values: Any) -> QueryDict:
    """What a browser would have posted; a list for a name that comes several times."""
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data
