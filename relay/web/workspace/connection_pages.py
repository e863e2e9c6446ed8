"""Lists, adds, changes and removes connections. Their secrets are never sent to a browser."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.connectors import credential_scope, registry
from relay.connectors.definition import Connector, Field
from relay.engine.configuration import connection_choice, connection_state, connections
from relay.engine.oauth import status
from relay.engine.service_calls import connection_test
from relay.errors import RelayError, VaultError
from relay.models import Connection, Flow
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import confirmation, form_data
from relay.web.workspace import oauth_pages, removal

MAX_NAME_CHARACTERS = connections.MAX_NAME_CHARACTERS


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    used, triggers = (
        find(request.workspace) for find in (connections.flows_by_connection, connections.triggers_by_connection)
    )
    rows = [
        {
            "status": one,
            "connection": one.connection,
            "label": _label(one.connection.connector),
            "used": list(dict.fromkeys([*used[one.connection.name], *triggers[one.connection.name]])),
            "access": status.state_of(one.connection),
        }
        for one in connection_state.statuses(request.workspace)
    ]
    return render(request, "connections/list.html", {"rows": rows, "place": "connections"})


def _label(key: str) -> str:
    try:
        return registry.connector(key).label
    except RelayError:
        return key


def choices() -> list[Connector]:
    """Return the connectors that use a connection, by label."""
    return sorted(
        (connector for connector in registry.list_connectors() if connector.has_connection),
        key=lambda connector: connector.label.lower(),
    )


@require_GET
@member
def choose(request: WorkspaceRequest) -> HttpResponse:
    return render(request, "connections/choose.html", {"choices": choices(), "place": "connections"})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def add(request: WorkspaceRequest, connector_key: str) -> HttpResponse:
    connector = next((choice for choice in choices() if choice.key == connector_key), None)
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
    former, unseal_error = _former(connection)
    name = connection.name if connection else form_data.text(request.POST, "name", limit=MAX_NAME_CHARACTERS).strip()
    values, error = former, unseal_error
    rate = connection.rate if connection else ""
    if request.method == "POST":
        values = posted_values(connector.connection, request.POST)
        rate = form_data.text(request.POST, "rate", limit=20).strip()
        saved, error = _save(request, connector, name, values, rate, is_new=connection is None)
        if saved is not None:
            messages.success(request, f"{connector.label} is connected as “{name}”. Its keys are stored encrypted.")
            if connection is None and (back := _back(request)):
                _choose_in_step(request, saved, back)
            next_page = oauth_pages.page_after_saving(request, connector, name)
            works = bool(next_page) or connection_test.obstacle(connector, values) != "" or _test(request, saved)
            page = reverse("connections") if works else reverse("connection", args=(saved.pk,))
            return redirect(next_page or _back(request) or page)
    context = {
        "connector": connector,
        "connection": connection,
        "status": connection_state.status(connection) if connection else None,
        "obstacle": connection_test.obstacle(connector, former),
        "name": name or connector.label,
        "rate": rate,
        "fields": [field_row(field, values, former) for field in connector.connection],
        "names_host": credential_scope.names_host(connector),
        "used": connections.used_by(connection) if connection else [],
        "triggers": _triggers(connection) if connection else [],
        "error": error,
        "back": _back(request),
        "place": "connections",
    }
    return render(request, "connections/form.html", context, status=422 if error and not unseal_error else 200)


def _choose_in_step(request: WorkspaceRequest, connection: Connection, back: str) -> None:
    """Choose a new connection in the step that the address `back` shows, if it shows one."""
    address = urlsplit(back)
    try:
        match = resolve(address.path)
    except Resolver404:
        return
    if match.url_name == "flow" and (flow := request.workspace.flows.filter(pk=match.kwargs["flow_id"]).first()):
        step_id = QueryDict(address.query).get("step", "")
        connection_choice.choose(flow, step_id, connection, by=request.user)


def _triggers(connection: Connection) -> list[Flow]:
    """Return the flows whose triggers have a webhook that was made with the connection."""
    return connections.triggers_by_connection(connection.workspace)[connection.name]


@require_POST
@member
def test(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    """Test a connection, and say whom it is connected as or what is wrong."""
    connection = get_object_or_404(request.workspace.connections, pk=connection_id)
    _test(request, connection)
    return redirect("connection", connection_id)


def _test(request: WorkspaceRequest, connection: Connection) -> bool:
    """Test a connection, add the result to the messages of the page, and return whether it works."""
    try:
        report = connection_test.run(connection)
    except RelayError as error:
        messages.warning(request, f"The connection was not tested. {error}")
        return False
    if report.works:
        messages.success(request, f"{report.message}.")
    elif report.is_known:
        messages.error(request, f"The test failed. {report.message}")
    else:
        messages.info(request, f"{report.message}.")
    return report.works


def _former(connection: Connection | None) -> tuple[dict[str, Any], str]:
    """Return the values of a connection, or why they can't be unsealed. In that case they can be entered again."""
    try:
        return (connection.unseal() if connection else {}), ""
    except VaultError as error:
        return {}, str(error)


def _save(
    request: WorkspaceRequest, connector: Connector, name: str, values: dict[str, Any], rate: str, *, is_new: bool
) -> tuple[Connection | None, str]:
    """Save the connection, and return it, or the error."""
    exists = f"There is already a connection called “{name}”; choose another name"
    if is_new and request.workspace.connections.filter(name=name).exists():
        return None, exists
    try:
        return connections.set_connection(request.workspace, name, connector.key, values, rate=rate), ""
    except RelayError as error:
        return None, str(error)
    except IntegrityError:
        return None, exists


def posted_values(fields: tuple[Field, ...], data: QueryDict) -> dict[str, Any]:
    """Return the posted values without empty ones; a secret that is left out keeps its stored value."""
    posted = {field.key: form_data.text(data, f"value.{field.key}").strip() for field in fields}
    return {key: value for key, value in posted.items() if value}


def field_row(field: Field, values: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
    """Return a field for the page: without the value of a secret, only with whether there is one."""
    return {"field": field, "value": "" if field.secret else values.get(field.key, ""), "kept": field.key in former}


def _back(request: WorkspaceRequest) -> str:
    """Return the page of Relay that the person came from, or ""."""
    back = form_data.text(request.POST, "back") or form_data.text(request.GET, "back")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return back if safe else ""


@require_POST
@member
def remove(request: WorkspaceRequest, connection_id: int) -> HttpResponse:
    connection = get_object_or_404(request.workspace.connections, pk=connection_id)
    name = f"“{connection.name}”"
    asked = confirmation.ask(
        request,
        f"Remove the connection {name}?",
        means="Its keys are deleted and can't be shown or restored. Flows that name it can't be published until it is "
        "added again.",
        button="Remove the connection",
        back=reverse("connection", args=(connection_id,)),
    )
    return asked or removal.respond(request, partial(connections.remove, connection), name, "connection", connection_id)
