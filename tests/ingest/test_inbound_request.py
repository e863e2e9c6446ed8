"""Tests that a request is read once, and that events and rejected requests keep the same of it."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake.stored_request import StoredRequest
from relay.ingest.application import Ingest
from relay.ingest.inbound_request import InboundRequest
from relay.models import Event, Flow, Rejection, Workspace
from tests.support.asgi_requests import ask, scope_of, serve

SENT = {"content_type": "application/json", "x_note": "caf\u00e9", "authorization": "Bearer s3cret-token-of-a-sender"}


class CountedScope(dict[str, Any]):
    """A scope that counts how often its headers are asked for."""

    asked = 0

    def __getitem__(self, key: str) -> Any:
        self.asked += key == "headers"
        return super().__getitem__(key)


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": []}
    return flow_lifecycle.create_flow(workspace, document)


@pytest.mark.django_db(transaction=True)
def test_an_event_and_a_rejected_request_keep_the_same(flow: Flow) -> None:
    path = f"/in/{flow.trigger.token}?a=1&b=%C3%A9"

    async def visit(ingest: Ingest) -> list[int]:
        return [(await ask(ingest, path, method, body=b'{"a": 1}', **SENT)).status for method in ("POST", "DELETE")]

    assert serve(visit) == [202, 405]
    event, rejection = Event.objects.get(), Rejection.objects.get()
    # The body of a method that isn't allowed is not read.
    kept = set(StoredRequest.__struct_fields__) - {"method", "body"}
    assert {name: getattr(event, name) for name in kept} == {name: getattr(rejection, name) for name in kept}
    assert (event.method, rejection.method) == ("POST", "DELETE")
    assert (event.query, event.remote, bytes(event.body)) == ("a=1&b=%C3%A9", "127.0.0.1", b'{"a": 1}')
    assert "s3cret" not in str(event.headers)


def test_headers_are_read_once(settings: Any) -> None:
    settings.TRUSTED_PROXIES = frozenset({"127.0.0.1"})
    scope = CountedScope(scope_of("/in/x", x_forwarded_for="192.0.2.7", host="relay.example"))
    request = InboundRequest(scope)

    assert [request.headers["host"] for _ in range(3)] == ["relay.example"] * 3
    assert [request.remote for _ in range(3)] == ["192.0.2.7"] * 3
    assert scope.asked == 1


@pytest.mark.parametrize("raw_path", [None, b"/in/a%20b?x"])
def test_the_path_is_as_it_was_sent(raw_path: bytes | None) -> None:
    request = InboundRequest({**scope_of("/in/a b"), "raw_path": raw_path})

    assert request.path == (b"/in/a b" if raw_path is None else b"/in/a%20b")
