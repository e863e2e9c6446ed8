"""Holds what a dry run knows besides the document and the event, and packs it for another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay.connectors import registry
from relay.connectors.masked_request import shown_connection
from relay.engine.walk.variables import NONE as NO_VARIABLES
from relay.engine.walk.variables import Variables
from relay.engine.walk.work_item import SealedConnection
from relay.errors import RelayError
from relay.flows import nesting
from relay.masking import MASK


@dataclass(frozen=True, slots=True)
class DryRunContext:
    """The input of a dry run besides the document and the event.

    Answers of actions, by step: `answers` has stored successful answers; `assumed`, which takes precedence, has those
    that people write: {"status", "headers", "body"}, each optional. The default is status 200 and an empty body.
    """

    flow_name: str
    connections: Mapping[str, SealedConnection] = field(default_factory=dict)
    answers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    zone: str = "UTC"
    variables: Variables = NO_VARIABLES
    assumed: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    part: int = 1  # the element that is walked, if the event is split
    is_bare: bool = False  # for a document without a flow: its variables are shown as {{ vars.x }}
    workspace: int = 0  # whose share of the helper processes is used


def pack(context: DryRunContext, document: dict[str, Any]) -> dict[str, Any]:
    """Convert a context to JSON values, with only those sealed values that the document names, masked."""
    text = msgspec.json.encode(document).decode()
    return {
        "flow_name": context.flow_name,
        "connections": _connections(context, document),
        "answers": dict(context.answers),
        "assumed": dict(context.assumed),
        "zone": context.zone,
        "part": context.part,
        "is_bare": context.is_bare,
        "plain": dict(context.variables.plain),
        "sealed": {name: _variable(opens) for name, opens in context.variables.sealed.items() if name in text},
    }


def _connections(context: DryRunContext, document: dict[str, Any]) -> dict[str, Any]:
    """The connections that steps use, with only the values that none of these steps' connectors keeps secret."""
    connections: dict[str, dict[str, Any]] = {}
    for step in nesting.all_steps(document):
        name = str(step.get("connection"))
        if name in context.connections:
            before = connections.get(name) or _open(context.connections[name].unseal)
            connections[name] = {**before, "values": _shown(step, before["values"])}
    return connections


def _shown(step: dict[str, Any], values: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        connector, _ = registry.find(str(step.get("action")))
    except RelayError:
        return dict.fromkeys(values or {}, MASK)
    return shown_connection(connector, values)


def _variable(opens: Callable[[], str]) -> dict[str, Any]:
    opened = _open(opens)
    return {**opened, "values": MASK if opened["values"] is not None else None}


def _open(unseal: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"values": unseal(), "fault": ""}
    except RelayError as error:
        return {"values": None, "fault": str(error)}


def unpack(value: dict[str, Any]) -> DryRunContext:
    """Convert the JSON values of `pack` to a context."""
    sealed = {name: _Opened(**fields).unseal for name, fields in value["sealed"].items()}
    return DryRunContext(
        value["flow_name"],
        {name: _Opened(**fields) for name, fields in value["connections"].items()},
        value["answers"],
        value["zone"],
        Variables(value["plain"], sealed),
        value["assumed"],
        value["part"],
        value["is_bare"],
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """The part of a sealed value that may be shown, or why it could not be opened."""

    values: Any
    fault: str
    rate: str = ""
    token_revision: int | None = None

    def unseal(self) -> Any:
        if self.fault:
            raise RelayError(self.fault)
        return self.values
