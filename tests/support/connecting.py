"""Gives a connection of a real Relay tokens of a service, as if a person had connected it.

`python -m tests.support.connecting` reads {"connector", "name", "tokens": the answer of the token endpoint, "lifetime":
seconds} as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.support.authorization_server import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tests.support.running import Relay

NAME, KEY, ORIGIN = "Hub", "hubspot", "https://api.hubapi.com"
FLOW: dict[str, Any] = {
    "relay": 1,
    "name": "Lead",
    "trigger": {"kind": "webhook"},
    "steps": [
        {
            "id": "do",
            "kind": "action",
            "action": "hubspot.upsert_contact",
            "connection": NAME,
            "inputs": {"email": "{{ event.body.id }}@example.com"},
        }
    ],
}


def urls(server: AuthorizationServer) -> str:
    """The setting that has Relay call the server instead of HubSpot."""
    return json.dumps({ORIGIN: server.url})


def connect(relay: Relay, server: AuthorizationServer, *, lifetime: float = 1_800) -> None:
    """Connect HubSpot; a negative lifetime: its access has expired."""
    give_tokens(relay, KEY, NAME, server.grant(), lifetime=lifetime)


def give_tokens(relay: Relay, connector: str, name: str, answer: dict[str, Any], *, lifetime: float = 1_800) -> None:
    """Store a connection with the tokens of an answer of its service."""
    given = json.dumps({"connector": connector, "name": name, "tokens": answer, "lifetime": lifetime})
    command = [sys.executable, "-m", "tests.support.connecting"]
    done = subprocess.run(command, env=relay.env, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def main() -> None:
    from relay.supervision.processes import set_up_django

    set_up_django()
    from relay.connectors import registry
    from relay.connectors.oauth_requests import read_answer
    from relay.engine.configuration import connections
    from relay.engine.oauth import clients, tokens
    from relay.models import Connection, Workspace
    from relay.models.fields import moment
    from relay.outbound import Answer
    from relay.timestamps import now

    given = json.load(sys.stdin)
    workspace, connector = Workspace.objects.earliest("id"), registry.connector(given["connector"])
    assert connector.oauth is not None
    clients.set_client(workspace, connector.key, CLIENT_ID, CLIENT_SECRET)
    connection = connections.set_connection(workspace, given["name"], connector.key, {})
    answer = Answer(200, {}, json.dumps(given["tokens"]).encode(), truncated=False, seconds=0.1)
    tokens.connect(connection.pk, connector.oauth, read_answer(connector, answer, ()), identity="")
    expires_at = moment(now() + int(given["lifetime"] * 1e6))
    Connection.objects.filter(pk=connection.pk).update(token_expires_at=expires_at)


if __name__ == "__main__":
    main()
