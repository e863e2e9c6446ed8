"""Creates, changes and removes connections."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import transaction

from relay import backoff
from relay.connectors import registry
from relay.connectors.definition import Connector
from relay.engine import audit
from relay.engine.configuration import connection_secrets
from relay.engine.flow_control import circuit_breaker
from relay.engine.oauth import tokens
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Connection, Flow, Workspace

MAX_NAME_CHARACTERS = 100


def set_connection(
    workspace: Workspace, name: str, connector_key: str, values: dict[str, Any], *, rate: str | None = None
) -> Connection:
    """Create the connection of that name, or replace its values; RelayError says which field is wrong.

    A secret that is empty or missing keeps its stored value; None removes it. All other fields are replaced. If the
    values name another host than before, all secrets have to be entered: a stored one is never sent to a new host.
    `rate`: the maximum rate of requests, such as 30/m; "" for no limit, None to keep the present one. Runs that were
    held because the credential was refused or its key was lost are released.
    """
    _check_rate(rate or "")
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise RelayError(f"A connection needs a name of up to {MAX_NAME_CHARACTERS} characters")
    connector = registry.connector(connector_key)
    with transaction.atomic():
        former = workspace.connections.select_for_update().filter(name=name).first()
        if former is not None and former.connector != connector.key:
            raise RelayError(f"“{name}” is a connection to {former.connector} already; choose another name")
        values = _checked(connector, values, connection_secrets.stored(former))
        connection = former or Connection(workspace=workspace, name=name, connector=connector.key)
        connection.seal(tokens.with_kept_tokens(connection, connector, values))
        connection.rate = connection.rate if rate is None else rate.strip()
        # What the last test found is about the former values.
        connection.tested_at, connection.test_error, connection.tested_as = None, "", ""
        connection.save()
        circuit_breaker.release_target(circuit_breaker.connection_target(workspace.pk, name))
        verb = "connection.created" if former is None else "connection.changed"
        # Names of fields only: their values are secrets.
        audit.note(workspace, verb, name, ref=connection.pk, change=f"{connector.label}: {', '.join(sorted(values))}")
    return connection


def _checked(connector: Connector, values: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """The values to seal, with the secrets that are kept. Raises RelayError for invalid ones."""
    merged = connection_secrets.merged(connector, values, stored)
    faults = connector.check_connection(merged)
    if faults:
        labels = {field.key: field.label for field in connector.connection}
        said = (f"{labels[key]} {fault}" if key in labels else f"{key}: {fault}" for key, fault in faults.items())
        raise RelayError("; ".join(said))
    connection_secrets.check_host(connector, values, merged, stored)
    return merged


def _check_rate(rate: str) -> None:
    try:
        if rate.strip():
            backoff.interval(rate)
    except ValueError as error:
        raise RelayError(str(error)) from None


def used_by(connection: Connection) -> list[Flow]:
    """The flows whose draft or live version uses the connection in any step."""
    return flows_by_connection(connection.workspace).get(connection.name, [])


def flows_by_connection(workspace: Workspace) -> dict[str, list[Flow]]:
    """The flows that use each connection in their draft or live version, by its name; one query."""
    flows: dict[str, list[Flow]] = defaultdict(list)
    for flow in workspace.flows.select_related("live_version").order_by("name"):
        live = flow.live_version.document if flow.live_version else {}
        for name in nesting.connections(flow.draft) | nesting.connections(live):
            flows[name].append(flow)
    return flows


def triggers_by_connection(workspace: Workspace) -> dict[str, list[Flow]]:
    """The flows whose triggers have a webhook that was made with each connection, by its name; one query."""
    flows: dict[str, list[Flow]] = defaultdict(list)
    rows = workspace.subscriptions.filter(trigger__isnull=False, connection__isnull=False).defer("sealed")
    for row in rows.select_related("connection", "trigger__flow").defer("connection__sealed").order_by("pk"):
        if row.connection is not None and row.trigger is not None:
            flows[row.connection.name].append(row.trigger.flow)
    return flows


def remove(connection: Connection) -> None:
    """Remove a connection; RelayError if a live flow uses it, or a webhook that was made with it."""
    live = [flow.name for flow in used_by(connection) if flow.live_version_id is not None]
    if live:
        raise RelayError(f"“{connection.name}” is used by {', '.join(live)}; change that first")
    hooks = connection.subscriptions.filter(trigger__isnull=False).values_list("trigger__flow__name", flat=True)
    if names := ", ".join(hooks):
        raise RelayError(f"The webhook of {names} was created with “{connection.name}”; disconnect that trigger first")
    with transaction.atomic():
        audit.note(connection.workspace_id, "connection.removed", connection, ref=connection.pk)
        connection.delete()
