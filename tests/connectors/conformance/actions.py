"""The actions of the catalogue as parameters of tests, and the connections with which they are tried."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors import registry
from relay.connectors.conformance import samples
from relay.connectors.conformance.request_checks import request_of
from relay.connectors.definition import Action, Connector
from tests.connectors.conformance import descriptions
from tests.support.walking import Held

# Examples may have templates over an event with these names.
EVENT_BODY = b'{"id": 1001}'
# The same with the file that is an example.
FILE = b"%PDF-1.7 abc"
EVENT_WITH_FILE = (
    b'--XX\r\nContent-Disposition: form-data; name="document"; filename="scan.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n" + FILE + b"\r\n"
    b'--XX\r\nContent-Disposition: form-data; name="id"\r\n\r\n1001\r\n--XX--\r\n'
)
CONNECTORS = registry.list_connectors()
PAIRS = [(connector, action) for connector in CONNECTORS for action in connector.actions]
ACTIONS = [pytest.param(*pair, id=f"{pair[0].key}.{pair[1].key}") for pair in PAIRS]
HTTP_ACTIONS = [param for param, pair in zip(ACTIONS, PAIRS, strict=True) if pair[1].target == "http"]


def _is_described(connector: Connector, action: Action) -> bool:
    if action.target != "http":
        return False
    request = request_of(connector, action, samples.inputs_of(action.inputs))
    return descriptions.operation_of(connector, request) is not None


# Those of which a description says what their service refuses; published descriptions may be missing.
DESCRIBED = [
    param for param, pair in zip(ACTIONS, PAIRS, strict=True) if pair[1].target == "http" and _is_described(*pair)
]


def event_of(action: Action) -> dict[str, Any]:
    """The content type and the body of an event for the examples of an action."""
    if any(field.kind == "file" for field in action.inputs):
        return {"content_type": "multipart/form-data; boundary=XX", "body": EVENT_WITH_FILE}
    return {"content_type": "application/json", "body": EVENT_BODY}


def step_of(connector: Connector, action: Action, inputs: dict[str, Any]) -> dict[str, Any]:
    """A step that carries out an action."""
    step = {"id": "it", "kind": "action", "action": f"{connector.key}.{action.key}", "inputs": inputs}
    return {**step, **({"connection": "C"} if connector.has_connection else {})}


def connections_of(connector: Connector) -> dict[str, Any]:
    """The sample connection of a connector, by the name that `step_of` uses."""
    return {"C": Held(samples.connection_of(connector))} if connector.has_connection else {}
