"""Connections are made, changed and removed here."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from relay import backoff
from relay.connectors import registry
from relay.engine import audit, destinations
from relay.errors import RelayError
from relay.models import Connection, Flow, Workspace


def set_connection(
    workspace: Workspace, name: str, connector_key: str, values: dict[str, Any], *, rate: str | None = None
) -> Connection:
    """Make or overwrite the connection of that name; RelayError says which field is wrong.

    `rate`: requests at most, as 30/m; "" for as many as come, None to leave it as it is. What was held because its
    credential was refused, or its key lost, is let out.
    """
    _check_rate(rate or "")
    name = name.strip()
    if not name or len(name) > 100:
        raise RelayError("A connection needs a name of up to 100 characters")
    connector = registry.connector(connector_key)
    faults = connector.check_connection(values)
    if faults:
        raise RelayError("; ".join(f"{field}: {message}" for field, message in faults.items()))
    with transaction.atomic():
        former = workspace.connections.filter(name=name).first()
        if former is not None and former.connector != connector.key:
            raise RelayError(f"“{name}” is a connection to {former.connector} already; choose another name")
        connection = former or Connection(workspace=workspace, name=name, connector=connector.key)
        connection.seal(values)
        connection.rate = connection.rate if rate is None else rate.strip()
        connection.save()
        destinations.secret_changed(destinations.of_connection(workspace.pk, name))
        verb = "connection.created" if former is None else "connection.changed"
        # Names of fields only: their values are secrets.
        audit.note(workspace, verb, name, ref=connection.pk, change=f"{connector.label}: {', '.join(sorted(values))}")
    return connection


def _check_rate(rate: str) -> None:
    try:
        if rate.strip():
            backoff.interval(rate)
    except ValueError as error:
        raise RelayError(str(error)) from None


def used_by(connection: Connection) -> list[Flow]:
    """The flows whose draft or live version names the connection."""
    flows = connection.workspace.flows.select_related("live_version")
    return [flow for flow in flows if connection.name in _named(flow)]


def _named(flow: Flow) -> set[str]:
    documents = [flow.draft, flow.live_version.document if flow.live_version else {}]
    return {
        step["connection"]
        for document in documents
        for step in document.get("steps") or ()
        if isinstance(step, dict) and isinstance(step.get("connection"), str)
    }


def remove(connection: Connection) -> None:
    """Remove a connection that no live flow needs."""
    live = [flow.name for flow in used_by(connection) if flow.live_version_id is not None]
    if live:
        raise RelayError(f"“{connection.name}” is used by {', '.join(live)}; change that first")
    with transaction.atomic():
        audit.note(connection.workspace_id, "connection.removed", connection, ref=connection.pk)
        connection.delete()
