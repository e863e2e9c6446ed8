"""The endpoint that lists the choices which a service has for a field, through a connection."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.connectors import registry
from relay.connectors.definition import Connector, Field
from relay.engine.service_calls import option_source
from relay.engine.service_calls.option_source import HasInputs

router = Router(tags=["connections"])
_WANTED = 'Name a field: {"action": "trello.create_card", "field": "list_id", "inputs": {...}}, or a sender and a field'


@router.post("/{int:connection_id}/choices", url_name="choices")
def choices(request: ApiRequest, connection_id: int) -> dict[str, Any]:
    """List choices: `{"action": "trello.create_card", "field": "list_id", "inputs": {"board_id": "..."}}`."""
    connection = get_object_or_404(request.workspace.connections, pk=connection_id)
    options = request_body.options(request)
    search, inputs = options.get("search", ""), options.get("inputs", {})
    if not isinstance(search, str) or not isinstance(inputs, dict):
        raise ApiError(422, "search must be a text, and inputs an object")
    connector, owner, field = _asked(options)
    source = connector.source(field.source) if field.source else None
    if source is None:
        raise ApiError(422, f"{connector.label} lists no choices for {field.label}")
    if connection.connector != connector.key:
        raise ApiError(422, f"“{connection.name}” is not a connection to {connector.label}")
    found = option_source.find_options(
        connector,
        source,
        owner,
        connection,
        workspace_id=request.workspace.pk,
        inputs=inputs,
        search=search,
        is_fresh=options.get("fresh") is True,
    )
    rows = found.rows[: option_source.MAX_SHOWN]
    return {
        "choices": [{"value": row.value, "label": row.label} for row in rows],
        "more": len(found.rows) > len(rows) or not found.is_complete,
    }


def _asked(options: dict[str, Any]) -> tuple[Connector, HasInputs, Field]:
    """The field that is asked about: of an action, or of what a trigger is connected to."""
    path, key, sender = options.get("field"), options.get("action"), options.get("sender")
    if not isinstance(path, str) or (key is None) == (sender is None):
        raise ApiError(422, _WANTED)
    if sender is None:
        known = registry.known(key)
        field = known[1].field_at(path) if known else None
        if known is None or field is None:
            raise ApiError(422, "There is no such action, or it has no such field")
        return *known, field
    connector, preset = registry.presets().get(sender, (None, None)) if isinstance(sender, str) else (None, None)
    calls = preset.subscription if preset else None
    found = next((one for one in calls.inputs if one.key == path), None) if calls else None
    if connector is None or calls is None or found is None:
        raise ApiError(422, "Relay can't create webhooks at this sender, or there is no such field")
    return connector, calls, found
