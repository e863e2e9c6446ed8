"""Connects a trigger to its sender, shows the webhook that was made there, and disconnects it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from relay.connectors import registry
from relay.engine.configuration import subscription_offers, subscription_rows, subscriptions
from relay.errors import RelayError
from relay.models import Flow
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.editor.subscription_form import SubscriptionForm
from relay.web.ui import form_data


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Show the webhook or the form that makes it. `do=choices` lists the choices of the form, any other connects."""
    flow = _flow(request, flow_id)
    if request.method == "GET":
        return _page(request, flow)
    if form_data.text(request.POST, "do", limit=20) == "choices":
        return _page(request, flow, loads=True)
    error = _connect(request, flow)
    return _page(request, flow, error=error) if error else redirect("subscription", flow.pk)


def _flow(request: WorkspaceRequest, flow_id: int) -> Flow:
    return get_object_or_404(request.workspace.flows.select_related("trigger", "live_version"), pk=flow_id)


def _connect(request: WorkspaceRequest, flow: Flow) -> str:
    """Connect the trigger, and return the error, or ""."""
    offered = subscription_offers.offer(flow)
    if offered is None:
        return "Relay can't create a webhook for the sender of this trigger"
    form = SubscriptionForm(request.workspace, offered, request.POST)
    connection = form.connection
    if connection is None:
        return f"Choose a connection to {offered.connector.label}"
    try:
        subscriptions.connect(flow, connection, form.inputs, labels=form.labels)
    except RelayError as error:
        return str(error)
    messages.success(request, f"Connected to {offered.connector.label}.")
    return ""


def _page(request: WorkspaceRequest, flow: Flow, *, loads: bool = False, error: str = "") -> HttpResponse:
    row, offered = subscriptions.of_flow(flow), subscription_offers.offer(flow)
    form = (
        None
        if offered is None or row is not None
        else SubscriptionForm(request.workspace, offered, request.POST, loads)
    )
    connector, _ = registry.presets().get(row.preset if row else "", (None, None))
    context = {
        "flow": flow,
        "row": row,
        "label": connector.label if connector else row.preset if row else "",
        "offered": offered,
        "form": form,
        "rows": form.rows() if form else (),
        "is_elsewhere": row is not None and subscription_rows.sends_elsewhere(row, flow.trigger.known_url),
        "is_busy": row is not None and subscriptions.is_being_connected(row),
        "unreachable": subscription_offers.unreachable_reason(),
        "error": error,
        "place": "flows",
    }
    return render(request, "flows/subscription.html", context, status=422 if error else 200)


@require_POST
@member
def disconnect(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Remove the webhook at the sender; `do=forget` removes only what Relay has stored."""
    flow = _flow(request, flow_id)
    try:
        subscriptions.disconnect(flow, forget=form_data.text(request.POST, "do", limit=20) == "forget")
    except RelayError as error:
        return _page(request, flow, error=str(error))
    messages.success(request, "Disconnected.")
    return redirect("subscription", flow.pk)
