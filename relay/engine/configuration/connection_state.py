"""Says whether a connection works, from its last test, its last use and the runs that are held for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from relay.engine.flow_control import circuit_breaker
from relay.models import Connection, DestinationState, Workspace


class ConnectionState(StrEnum):
    """The state of a connection.

    `works`: its last test or request succeeded. `fails`: its last test failed. `refused`: the service refuses the
    credential, and runs are held. `locked`: its key is lost, and runs are held. `untested`: nothing is known yet.
    """

    WORKS = "works"
    FAILS = "fails"
    REFUSED = "refused"
    LOCKED = "locked"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A connection with its state; `reason`: what is wrong, as a sentence without secrets, or ""."""

    connection: Connection
    state: ConnectionState
    reason: str = ""


def statuses(workspace: Workspace) -> list[ConnectionStatus]:
    """The connections of a workspace by name, without their sealed values; two queries."""
    held = circuit_breaker.held_connections(workspace)
    rows = workspace.connections.defer("sealed").order_by("name")
    return [_status(connection, held.get(connection.name)) for connection in rows]


def status(connection: Connection) -> ConnectionStatus:
    """The state of one connection; one query."""
    held = circuit_breaker.held_connections(connection.workspace)
    return _status(connection, held.get(connection.name))


def _status(connection: Connection, held: tuple[DestinationState, str] | None) -> ConnectionStatus:
    if held is not None:
        state, reason = held
        is_refused = state is DestinationState.REFUSED
        return ConnectionStatus(connection, ConnectionState.REFUSED if is_refused else ConnectionState.LOCKED, reason)
    succeeded, tested = connection.succeeded_at, connection.tested_at
    if connection.test_error and tested and (succeeded is None or succeeded < tested):
        return ConnectionStatus(connection, ConnectionState.FAILS, connection.test_error)
    # A success before the last change is of other values.
    if succeeded is not None and succeeded >= connection.changed_at:
        return ConnectionStatus(connection, ConnectionState.WORKS)
    return ConnectionStatus(connection, ConnectionState.UNTESTED)
