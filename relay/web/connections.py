"""Connections: sealed credentials, whose secrets never come back to a browser."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.connectors import registry
from relay.connectors.definition import Connector, Field
from relay.engine import connections, destinations
from relay.errors import RelayError, VaultError
from relay.models import Connection
from relay.web import posted
from relay.web.access import WorkspaceRequest, member
from relay.web.uses import uses

NAME_LENGTH = 100


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    used = uses(request.workspace)
    refused = destinations.refused_connections(request.workspace)
    rows = [
        {
            "connection": connection,
            "label": _label(connection.connector),
            "used": used.get(connection.name, []),
            "refused": refused.get(connection.name, ""),
        }
        for connection in request.workspace.connections.defer("sealed").order_by("name")
    ]
    return render(request, "connections/list.html", {"rows": rows, "place": "connections"})


def _label(key: str) -> str:
    try:
        return registry.connector(key).label
    except RelayError:
        return key


def choices() -> list[Connector]:
    """The connectors that take a connection, by label."""
    return sorted((one for one in registry.all() if one.connection), key=lambda one: one.label.lower())


@require_GET
@member
def choose(request: WorkspaceRequest) -> HttpResponse:
    return render(request, "connections/choose.html", {"choices": choices(), "place": "connections"})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def add(request: WorkspaceRequest, connector_key: str) -> HttpResponse:
    connector = next((one for one in choices() if one.key == connector_key), None)
    if connector is None:
        raise Http404
    return _form(request, connector, None)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def change(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    connection = get_object_or_404(request.workspace.connections, pk=connection_id)
    try:
        return _form(request, registry.connector(connection.connector), connection)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("connections")


def _form(request: WorkspaceRequest, connector: Connector, connection: Connection | None) -> HttpResponse:
    former, lost = _former(connection)
    name = connection.name if connection else posted.text(request.POST, "name", limit=NAME_LENGTH).strip()
    values, error = former, lost
    rate = connection.rate if connection else ""
    if request.method == "POST":
        values = entered(connector.connection, request.POST, former)
        rate = posted.text(request.POST, "rate", limit=20).strip()
        error = _save(request, connector, name, values, rate, is_new=connection is None)
        if not error:
            messages.success(request, f"“{name}” is kept, sealed.")
            return redirect(_back(request) or reverse("connections"))
    context = {
        "connector": connector,
        "connection": connection,
        "name": name or connector.label,
        "rate": rate,
        "fields": [shown(field, values, former) for field in connector.connection],
        "used": connections.used_by(connection) if connection else [],
        "error": error,
        "back": _back(request),
        "place": "connections",
    }
    return render(request, "connections/form.html", context, status=422 if error and not lost else 200)


def _former(connection: Connection | None) -> tuple[dict[str, Any], str]:
    """The values that a connection has, and why they can't be opened: then they can still be entered anew."""
    try:
        return (connection.unseal() if connection else {}), ""
    except VaultError as error:
        return {}, str(error)


def _save(
    request: WorkspaceRequest, connector: Connector, name: str, values: dict[str, Any], rate: str, *, is_new: bool
) -> str:
    """What kept it from being saved, or nothing."""
    if is_new and request.workspace.connections.filter(name=name).exists():
        return f"There is a connection called “{name}” already; choose another name"
    try:
        connections.set_connection(request.workspace, name, connector.key, values, rate=rate)
    except RelayError as error:
        return str(error)
    except IntegrityError:
        return f"There is a connection called “{name}” already; choose another name"
    return ""


def entered(fields: tuple[Field, ...], data: QueryDict, former: dict[str, Any]) -> dict[str, Any]:
    """The posted values; a secret left empty keeps its former value, other empty fields are left out."""
    values: dict[str, Any] = {}
    for field in fields:
        value = posted.text(data, f"value.{field.key}").strip()
        if value:
            values[field.key] = value
        elif field.secret and field.key in former:
            values[field.key] = former[field.key]
    return values


def shown(field: Field, values: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
    """A field for the page: the value of a secret is never in it, only whether there is one."""
    return {"field": field, "value": "" if field.secret else values.get(field.key, ""), "kept": field.key in former}


def _back(request: WorkspaceRequest) -> str:
    """The editor that sent the person here; only ever a page of ours."""
    back = posted.text(request.POST, "back") or posted.text(request.GET, "back")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return back if safe else ""


@require_POST
@member
def remove(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    connection = get_object_or_404(request.workspace.connections, pk=connection_id)
    name = connection.name
    try:
        connections.remove(connection)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("connection", connection_id)
    messages.success(request, f"“{name}” is removed.")
    return redirect("connections")
