"""The clients by which services know this Relay: one for each connector of a workspace, entered by an owner.

They belong to the workspace because nobody's role reaches further, and because the people of one workspace must not be
able to use, or to see the consent page of, the client that another has registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from relay.connectors import registry
from relay.connectors.definition import Connector, OAuth2
from relay.connectors.oauth_requests import Client
from relay.engine import audit
from relay.engine.flow_control import circuit_breaker
from relay.errors import RelayError
from relay.models import Connection, OAuthClient, Workspace

MAX_CHARACTERS = 2_000
REDIRECT_PATH = "/connections/authorized/"


def redirect_address() -> str:
    """The one address to which services send people back; it is part of each registration."""
    return f"{settings.PUBLIC_URL}{REDIRECT_PATH}"


def oauth_of(key: str) -> tuple[Connector, OAuth2]:
    """A connector with its OAuth 2.0. Raises RelayError if there is none."""
    connector = registry.connector(key)
    if connector.oauth is None:
        raise RelayError(f"{connector.label} is not connected by OAuth")
    return connector, connector.oauth


def has_own_client(connector: Connector) -> bool:
    """Whether the client is a part of each connection, and nobody enters one for the workspace."""
    return any(field.key == "client_id" for field in connector.connection)


def find(workspace: Workspace | int, key: str) -> OAuthClient | None:
    """The workspace's client for a connector."""
    return OAuthClient.objects.filter(workspace=workspace, connector=key).first()


def client_of(connection: Connection, connector: Connector, values: Mapping[str, Any]) -> Client:
    """The client with which a connection is made. Raises RelayError if none was entered, or it can't be opened."""
    if has_own_client(connector):
        return Client(str(values.get("client_id", "")), str(values.get("client_secret", "")), is_own=True)
    row = find(connection.workspace_id, connector.key)
    if row is None:
        raise RelayError(f"No client is registered for {connector.label}; an owner of the workspace can enter it")
    opened = row.unseal()
    return Client(opened["client_id"], opened["client_secret"])


def set_client(workspace: Workspace, key: str, client_id: str, client_secret: str) -> None:
    """Store the client for a connector; "" keeps the former secret. Connections that were refused are tried again."""
    connector, _ = oauth_of(key)
    if has_own_client(connector):
        raise RelayError(f"Each connection to {connector.label} has a client of its own")
    row = find(workspace, key)
    former = {} if row is None or client_secret else row.unseal()
    client_id, client_secret = client_id.strip(), client_secret.strip() or former.get("client_secret", "")
    if not client_id:
        raise RelayError("A client needs an id")
    if any(len(text) > MAX_CHARACTERS or not text.isprintable() for text in (client_id, client_secret)):
        raise RelayError("The id and the secret of a client are short texts without line breaks")
    with transaction.atomic():
        row = row or OAuthClient(workspace=workspace, connector=key)
        row.seal({"client_id": client_id, "client_secret": client_secret})
        row.save()
        _try_again(workspace, key)
        audit.note(workspace, "oauth_client.set", connector.label, ref=key, change=f"Client id: {client_id[:100]}")


def _try_again(workspace: Workspace, key: str) -> None:
    """Release what a wrong client has held: the next run asks for a token again."""
    refused = workspace.connections.filter(connector=key, renewing_until=None).exclude(token_fault="")
    for connection in refused.defer("sealed"):
        Connection.objects.filter(pk=connection.pk).update(token_fault="", renewal_faults=0)
        circuit_breaker.release_target(circuit_breaker.connection_target(workspace.pk, connection.name))


def remove_client(workspace: Workspace, key: str) -> None:
    """Forget the client for a connector. Its connections work until their tokens expire."""
    connector, _ = oauth_of(key)
    with transaction.atomic():
        if workspace.oauth_clients.filter(connector=key).delete()[0]:
            audit.note(workspace, "oauth_client.removed", connector.label, ref=key)
