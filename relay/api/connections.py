"""Connections: their names and services, never their secrets."""

from __future__ import annotations

from typing import Any

from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest

router = Router(tags=["connections"])


@router.get("", url_name="connections")
def listing(request: ApiRequest) -> dict[str, Any]:
    """All connections, by name."""
    rows = request.workspace.connections.defer("sealed").order_by("name")
    return {
        "connections": [
            {
                "name": one.name,
                "connector": one.connector,
                "rate": one.rate or None,
                "changed": given.time(one.changed_at),
            }
            for one in rows
        ]
    }
