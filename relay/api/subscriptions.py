"""Endpoints for the webhook of a flow's trigger at its sender: get, connect, disconnect."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.engine.configuration import subscription_offers, subscription_rows, subscriptions
from relay.errors import Busy, RelayError
from relay.models import Flow

router = Router(tags=["flows"])


def _find(request: ApiRequest, flow_id: int) -> Flow:
    return get_object_or_404(request.workspace.flows.select_related("trigger", "live_version"), pk=flow_id)


@router.get("/{int:flow_id}/subscription", url_name="subscription")
def show(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Get the webhook that Relay has made at the sender, and what the trigger can be connected to."""
    flow = _find(request, flow_id)
    row, offered = subscriptions.of_flow(flow), subscription_offers.offer(flow)
    inputs = [] if offered is None else offered.calls.inputs
    offer = (
        None
        if offered is None
        else {
            "sender": offered.preset.key,
            "connector": offered.connector.key,
            "inputs": [{"key": one.key, "label": one.label, "required": one.required} for one in inputs],
        }
    )
    return {
        "subscription": None if row is None else subscription_rows.record(row),
        "offer": offer,
        "unreachable": subscription_offers.unreachable_reason() or None,
    }


@router.post("/{int:flow_id}/subscription", url_name="connect-subscription")
def connect(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Make the webhook at the sender: `{"connection": 7, "inputs": {"board_id": "..."}}`."""
    flow, options = _find(request, flow_id), request_body.options(request)
    connection_id, inputs = options.get("connection"), options.get("inputs", {})
    if type(connection_id) is not int or not isinstance(inputs, dict):
        raise ApiError(422, "connection is the number of a connection, and inputs is an object")
    connection = get_object_or_404(request.workspace.connections, pk=connection_id)
    try:
        subscriptions.connect(flow, connection, inputs)
    except Busy:
        raise
    except RelayError as error:
        raise ApiError(409, str(error)) from None
    return show(request, flow_id)


@router.delete("/{int:flow_id}/subscription", url_name="disconnect-subscription")
def disconnect(request: ApiRequest, flow_id: int, forget: bool = False) -> dict[str, Any]:
    """Remove the webhook at the sender; `?forget=true` removes only what Relay has stored of it."""
    try:
        subscriptions.disconnect(_find(request, flow_id), forget=forget)
    except Busy:
        raise
    except RelayError as error:
        raise ApiError(409, str(error)) from None
    return show(request, flow_id)
