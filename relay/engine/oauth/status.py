"""Says how a connection by OAuth 2.0 stands, without its tokens."""

from __future__ import annotations

from typing import Any

from relay.models import Connection

CONNECTED, NOT_CONNECTED, REFUSED, DELAYED = "connected", "not_connected", "refused", "delayed"


def state_of(connection: Connection) -> str:
    """`connected`, `not_connected`, `refused` (a person has to act) or `delayed` (the service gives no token now).

    "" for a connection whose values a person enters. Reads no sealed value.
    """
    if connection.token_revision is None:
        return ""
    if connection.token_fault:
        return REFUSED if connection.renewing_until is None else DELAYED
    return CONNECTED if connection.connected_at else NOT_CONNECTED


def record(connection: Connection) -> dict[str, Any] | None:
    """The state as JSON, for the API and the command; None for a connection whose values a person enters."""
    state = state_of(connection)
    if not state:
        return None
    return {
        "state": state,
        "reason": connection.token_fault,
        "connected_as": connection.connected_as,
        "connected_by": connection.connected_by,
        "scopes": connection.granted_scopes.split(),
        "expires_at": _text(connection.token_expires_at),
    }


def _text(when: Any) -> str | None:
    return None if when is None else when.isoformat(timespec="seconds").replace("+00:00", "Z")
