"""Tests a connection: calls its service, says whom it is connected as or what is wrong, and stores that."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from relay import redaction
from relay.connectors import registry
from relay.connectors.calls import as_action
from relay.connectors.definition import Action, ConnectionTest, Connector
from relay.connectors.input_coercion import as_text
from relay.engine.flow_control import circuit_breaker
from relay.engine.service_calls import service_call, turns
from relay.engine.service_calls.service_call import CallAnswer
from relay.errors import Busy, RelayError, TemplateError
from relay.models import Connection
from relay.templating import compile_leaf

MAX_IDENTITY_CHARACTERS = 200
MAX_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """The result of a test. `identity`: whom the connection is connected as, "" if the service doesn't say.

    `message`: a sentence for people, without secrets. `is_known`: False if the service can't be tested.
    """

    works: bool
    message: str
    identity: str = ""
    is_known: bool = True


def obstacle(connector: Connector, values: Mapping[str, Any]) -> str:
    """Why a connection with these values can't be tested, as a sentence; "" if it can."""
    if connector.test is None:
        return f"Relay can't test a connection to {connector.label}: the first run shows whether it works"
    if connector.test.needs and not values.get(connector.test.needs):
        label = next(field.label for field in connector.connection if field.key == connector.test.needs)
        return f"There is nothing to test: the connection has no {label}"
    return ""


def run(connection: Connection) -> ConnectionReport:
    """Test a connection and store the result in its row. Raises Busy, and RelayError for an unknown connector."""
    connector = registry.connector(connection.connector)
    try:
        reason = obstacle(connector, connection.unseal() if connector.test and connector.test.needs else {})
        if reason or connector.test is None:
            return ConnectionReport(works=False, message=reason, is_known=False)
        call = functools.partial(_call, connector, connector.test, connection)
        result = turns.in_turn(connection.workspace_id, call)
    except Busy:
        raise
    except RelayError as error:
        result = ConnectionReport(works=False, message=_short(str(error), MAX_MESSAGE_CHARACTERS))
    _store(connection, result)
    return result


def _call(connector: Connector, test: ConnectionTest, connection: Connection) -> ConnectionReport:
    """The report about a connection that works. Raises RelayError with what is wrong."""
    caller = service_call.caller(connector, connection.workspace_id, connection)
    answer = caller.call(_action(test), absent=test.call.absent)
    public = {key: (caller.values or {}).get(key) for key in _public(connector)}
    context = {"body": answer.body, "status": answer.status, "connection": public}
    identity = _said(answer, test.identity, context, MAX_IDENTITY_CHARACTERS)
    says = _said(answer, test.says, context, MAX_MESSAGE_CHARACTERS)
    who = f" as {identity}" if identity else ""
    return ConnectionReport(works=True, message=says or f"Connected to {connector.label}{who}", identity=identity)


def _public(connector: Connector) -> list[str]:
    return [field.key for field in connector.connection if not field.secret]


@functools.cache
def _action(test: ConnectionTest) -> Action:
    return as_action(test.call)


def _said(answer: CallAnswer, template: str, context: Mapping[str, Any], limit: int) -> str:
    """The text of a template about an answer; "" if the answer lacks what it names: the credential works anyway."""
    if not template:
        return ""
    try:
        value = compile_leaf(template).render(context)
    except TemplateError:
        return ""
    return "" if value is None else _short(str(answer.masked(as_text(value))), limit)


def _short(text: str, limit: int) -> str:
    """A text of a service in one line."""
    line = " ".join(redaction.clean(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _store(connection: Connection, result: ConnectionReport) -> None:
    """Store a result, without changing when the connection itself was changed, and release held runs if it works.

    If the connection was changed during the test, the result is about its former values, and is dropped.
    """
    now = timezone.now()
    values: Mapping[str, Any] = {
        "tested_at": now,
        "tested_as": result.identity,
        "test_error": "" if result.works else result.message,
        **({"succeeded_at": now} if result.works else {}),
    }
    rows = Connection.objects.filter(pk=connection.pk, changed_at=connection.changed_at)
    if not rows.update(**values):
        return
    for name, value in values.items():
        setattr(connection, name, value)
    if result.works:
        circuit_breaker.release_target(circuit_breaker.connection_target(connection.workspace_id, connection.name))
