"""A connector of the tests, whose service is the local authorization server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relay.connectors import registry
from relay.connectors.definition import Connector
from relay.connectors.oauth_requests import read_answer
from relay.engine import http_client
from relay.engine.configuration import connections, flow_lifecycle
from relay.engine.flow_control.limiter import Limiter
from relay.engine.oauth import clients, tokens
from relay.engine.preview.document_check import CheckedDocument
from relay.engine.worker.thread_pool import WalkThreads
from relay.flows.checks.validation import parse_document
from relay.models import Connection, Flow, Workspace
from relay.outbound import Answer
from tests.support.authorization_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    EXAMPLE,
    MACHINE,
    ORIGIN,
    AuthorizationServer,
)

TELL = {"id": "tell", "kind": "action", "action": "example.tell", "connection": "Ex", "inputs": {"text": "hello"}}


def document(**changes: Any) -> dict[str, Any]:
    return {"relay": 1, "name": "Tell", "trigger": {"kind": "webhook"}, "steps": [{**TELL, **changes}]}


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorizationServer]:
    """The service, and the connectors `example` and `machine` for it."""
    with AuthorizationServer() as running:
        settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
        settings.CONNECTOR_URLS = {ORIGIN: running.url}
        settings.HTTP_TIMEOUT = 5.0
        for connector in (EXAMPLE, MACHINE):
            add_connector(monkeypatch, connector)
        http_client.sender.cache_clear()
        yield running
        http_client.sender().close()
        http_client.sender.cache_clear()


@pytest.fixture
def live(workspace: Workspace, server: AuthorizationServer) -> Callable[[dict[str, Any]], Flow]:
    """Publish a document that was checked in this process: helper processes don't know the connectors of tests."""

    def make(document: dict[str, Any]) -> Flow:
        parse_document(document)
        return flow_lifecycle.import_checked(workspace, CheckedDocument(document, ()), publish_it=True)

    return make


def add_connector(monkeypatch: pytest.MonkeyPatch, connector: Connector) -> None:
    monkeypatch.setitem(registry._connectors(), connector.key, connector)
    for action in connector.actions:
        monkeypatch.setitem(registry._actions(), f"{connector.key}.{action.key}", (connector, action))


@pytest.fixture
def walkers(server: AuthorizationServer) -> WalkThreads:
    return WalkThreads(http_client.sender(), most=8, limiter=Limiter(threads=32))


@pytest.fixture
def connected(workspace: Workspace, server: AuthorizationServer) -> Callable[..., Connection]:
    """A connection with tokens of the server; `lifetime` in seconds, negative: it has expired."""

    def make(lifetime: float = 3600, **changes: Any) -> Connection:
        clients.set_client(workspace, "example", CLIENT_ID, CLIENT_SECRET)
        connection = connections.set_connection(workspace, "Ex", "example", {"region": "eu"})
        give_tokens(server, connection, lifetime=lifetime, **changes)
        return connection

    return make


def give_tokens(server: AuthorizationServer, connection: Connection, *, lifetime: float, renewed: float = 600) -> None:
    """Store tokens of a new grant that were given `renewed` seconds ago and expire in `lifetime` seconds."""
    import time

    import msgspec

    from relay.models.fields import moment

    answer = Answer(200, {}, msgspec.json.encode(server.grant()), truncated=False, seconds=0.1)
    auth = EXAMPLE.oauth
    assert auth is not None
    tokens.connect(connection.pk, auth, read_answer(EXAMPLE, answer, ()), identity="ada@example.com")
    connection.refresh_from_db()
    connection.seal({**connection.unseal(), "renewed_at": time.time() - renewed})
    connection.token_expires_at = moment(int((time.time() + lifetime) * 1e6))
    connection.save()
