"""Endpoints for connections: list, get, create, change and test. They never return secrets."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.engine.configuration import connection_state, connections
from relay.engine.configuration.connection_state import ConnectionStatus
from relay.engine.oauth import status as oauth_status
from relay.engine.service_calls import connection_test
from relay.errors import RelayError
from relay.models import Connection, Flow

router = Router(tags=["connections"])


def _row(status: ConnectionStatus) -> dict[str, Any]:
    connection = status.connection
    return {
        "id": connection.pk,
        "name": connection.name,
        "connector": connection.connector,
        "rate": connection.rate or None,
        "changed": request_body.time(connection.changed_at),
        "state": status.state.value,
        "reason": status.reason or None,
        "connected_as": connection.tested_as or connection.connected_as or None,
        "access": oauth_status.record(connection),
        "tested": request_body.time(connection.tested_at),
        "used": request_body.time(connection.used_at),
        "succeeded": request_body.time(connection.succeeded_at),
    }


def _find(request: ApiRequest, connection_id: int) -> Connection:
    return get_object_or_404(request.workspace.connections, pk=connection_id)


@router.get("", url_name="connections")
def listing(request: ApiRequest) -> dict[str, Any]:
    """List connections by name."""
    return {"connections": [_row(status) for status in connection_state.statuses(request.workspace)]}


@router.get("/{int:connection_id}", url_name="connection")
def show(request: ApiRequest, connection_id: int) -> dict[str, Any]:
    """Get one connection with its state, and the flows that use it in a step, or whose triggers use it."""
    connection = _find(request, connection_id)
    triggers = connections.triggers_by_connection(connection.workspace)[connection.name]
    return {
        **_row(connection_state.status(connection)),
        "flows": [_flow(flow) for flow in connections.used_by(connection)],
        "triggers": [_flow(flow) for flow in triggers],
    }


def _flow(flow: Flow) -> dict[str, Any]:
    return {"id": flow.pk, "name": flow.name}


@router.post("", url_name="create-connection")
def create(request: ApiRequest) -> dict[str, Any]:
    """Create a connection: `{"name": "Team", "connector": "slack", "values": {...}, "rate": "30/m"}`."""
    options = request_body.options(request)
    name, connector = (_text(options, key) for key in ("name", "connector"))
    if request.workspace.connections.filter(name=name.strip()).exists():
        raise ApiError(409, "There is already a connection of this name")
    return _set(request, name, connector, options)


@router.put("/{int:connection_id}", url_name="change-connection")
def change(request: ApiRequest, connection_id: int) -> dict[str, Any]:
    """Replace the values of a connection: `{"values": {...}, "rate": "30/m"}`. Secrets that are missing are kept."""
    connection, options = _find(request, connection_id), request_body.options(request)
    return _set(request, connection.name, connection.connector, options)


@router.post("/{int:connection_id}/test", url_name="test-connection")
def test(request: ApiRequest, connection_id: int) -> dict[str, Any]:
    """Test a connection: whether it works, whom it is connected as, or what is wrong."""
    connection = _find(request, connection_id)
    report = connection_test.run(connection)
    if not report.is_known:
        raise ApiError(409, report.message)
    return {"works": report.works, "message": report.message, "connection": show(request, connection_id)}


def _set(request: ApiRequest, name: str, connector: str, options: dict[str, Any]) -> dict[str, Any]:
    values, rate = options.get("values"), options.get("rate")
    if not isinstance(values, dict) or not isinstance(rate, str | None):
        raise ApiError(422, 'values is an object of fields and texts, and rate is a text such as "30/m"')
    try:
        connection = connections.set_connection(request.workspace, name, connector, values, rate=rate)
    except RelayError as error:
        raise ApiError(422, str(error)) from None
    return show(request, connection.pk)


def _text(options: dict[str, Any], key: str) -> str:
    value = options.get(key)
    if not isinstance(value, str):
        raise ApiError(422, f"{key} is a text")
    return value
