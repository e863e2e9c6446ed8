"""Connects, reconnects and disconnects by OAuth 2.0, and takes the client that an owner has registered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.connectors import registry
from relay.connectors.definition import Connector, OAuth2
from relay.engine.configuration import connections
from relay.engine.oauth import authorizations, clients, renewal, status
from relay.engine.service_calls import turns
from relay.errors import RelayError
from relay.models import Connection
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import confirmation, form_data

Result = TypeVar("Result")

_ANSWER = ("state", "code", "error", "error_description", "iss")


def page_after_saving(request: WorkspaceRequest, connector: Connector, name: str) -> str:
    """Return the page on which a connection that was saved is connected; "" if its values are all that it needs."""
    connection = request.workspace.connections.filter(name=name).defer("sealed").first()
    if connector.oauth is None or connection is None or status.state_of(connection) not in _UNCONNECTED:
        return ""
    return reverse("connection-access", args=[connection.pk])


_UNCONNECTED = (status.NOT_CONNECTED, status.REFUSED)


@require_GET
@member
def show(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    try:
        connector, auth = clients.oauth_of(connection.connector)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("connection", connection_id)
    return render(request, "connections/access.html", _context(request, connection, connector, auth))


def _context(request: WorkspaceRequest, connection: Connection, connector: Connector, auth: OAuth2) -> dict[str, Any]:
    granted = set(connection.granted_scopes.split())
    return {
        "connection": connection,
        "connector": connector,
        "auth": auth,
        "state": status.state_of(connection),
        "scopes": [(scope, scope.name in granted or not scope.is_listed) for scope in auth.scopes],
        "has_client": clients.has_own_client(connector) or clients.find(request.workspace, connector.key) is not None,
        "enters_client": not clients.has_own_client(connector),
        "used": connections.used_by(connection),
        "place": "connections",
    }


@require_POST
@member
def start(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    """Send the person to the service.

    A page does that, not a redirect: the Content-Security-Policy lets forms lead to Relay only, and a service may
    redirect to any host.
    """
    connection = _connection(request, connection_id)
    try:
        url = _start(request, connection)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("connection-access", connection_id)
    if not url:
        messages.success(request, f"“{connection.name}” is connected.")
        return redirect("connection-access", connection_id)
    context = {"url": url, "label": registry.connector(connection.connector).label, "connection": connection}
    return render(request, "connections/leaving.html", context)


def _start(request: WorkspaceRequest, connection: Connection) -> str:
    """Begin to connect. Only a service without an authorization page is called, so only it takes a turn."""
    _, auth = clients.oauth_of(connection.connector)
    begin = partial(authorizations.start, connection, request.user, request.session.session_key or "")
    return begin() if auth.authorize_url else _in_turn(request, begin)


@require_GET
@member
def authorized(request: WorkspaceRequest) -> HttpResponse:
    """Take the answer that a service sends back. The redirect removes its code from the browser's address."""
    query = {
        name: form_data.text(request.GET, name, limit=authorizations.MAX_PARAMETER_CHARACTERS + 1) for name in _ANSWER
    }
    try:
        session = request.session.session_key or ""
        connection = _in_turn(request, authorizations.finish, request.workspace, request.user, session, query)
    except authorizations.AuthorizationFailed as error:
        messages.error(request, str(error))
        return redirect("connection-access", error.connection.pk)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("connections")
    messages.success(request, f"“{connection.name}” is connected. Runs that waited for it continue.")
    return redirect("connection-access", connection.pk)


@require_POST
@member
def renew(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    try:
        _in_turn(request, renewal.renew_now, connection)
    except RelayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The access was renewed.")
    return redirect("connection-access", connection_id)


@require_POST
@member
def disconnect(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    try:
        hint = _in_turn(request, authorizations.disconnect, connection)
    except RelayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{connection.name}” is disconnected. {hint}".strip())
    return redirect("connection-access", connection_id)


def _in_turn(request: WorkspaceRequest, work: Callable[..., Result], *values: Any) -> Result:
    """Return the result of what calls the service, in the turns of all calls of pages. Raises Busy, RelayError."""
    return turns.in_turn(request.workspace.pk, partial(work, *values))


def _connection(request: WorkspaceRequest, connection_id: int) -> Connection:
    return get_object_or_404(request.workspace.connections, pk=connection_id)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def client(request: WorkspaceRequest, connector_key: str) -> HttpResponse:
    try:
        connector, auth = clients.oauth_of(connector_key)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("connections")
    if form_data.text(request.POST, "do") == "remove":
        asked = confirmation.ask(
            request,
            f"Remove the client for {connector.label}?",
            means="Connections keep working until their access ends; then their runs are held.",
            button="Remove the client",
            back=reverse("oauth-client", args=(connector.key,)),
        )
        if asked:
            return asked
    fault = _save_client(request, connector) if request.method == "POST" else ""
    if request.method == "POST" and not fault:
        return redirect("connections")
    row = clients.find(request.workspace, connector.key)
    context = {
        "connector": connector,
        "auth": auth,
        "redirect": clients.redirect_address(),
        "client_id": form_data.text(request.POST, "client_id", limit=clients.MAX_CHARACTERS),
        "kept": row,
        "error": fault,
        "place": "connections",
    }
    return render(request, "connections/client.html", context, status=422 if fault else 200)


def _save_client(request: WorkspaceRequest, connector: Connector) -> str:
    """Store or remove the client, and return the error, or ""."""
    try:
        if form_data.text(request.POST, "do") == "remove":
            clients.remove_client(request.workspace, connector.key)
            messages.success(request, f"The client for {connector.label} was removed.")
            return ""
        texts = [
            form_data.text(request.POST, name, limit=clients.MAX_CHARACTERS + 1) for name in ("client_id", "secret")
        ]
        clients.set_client(request.workspace, connector.key, *texts)
    except RelayError as error:
        return str(error)
    messages.success(request, f"The client for {connector.label} was saved. Its secret is stored encrypted.")
    return ""
