"""The ground of a dry run: what it knows beside the document and the event; packed, it can go to another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay.engine.errand import Sealed
from relay.engine.variables import NONE as NO_VARIABLES
from relay.engine.variables import Variables
from relay.errors import RelayError
from relay.flows import nesting


@dataclass(frozen=True, slots=True)
class Ground:
    """What a dry run stands on.

    What actions are taken to answer, by step: `answers`, as it is stored of what has succeeded, and before them
    `assumed`, as people write it: {"status", "headers", "body"}, each optional. Without one, 200 and nothing.
    """

    flow_name: str
    connections: Mapping[str, Sealed] = field(default_factory=dict)
    answers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    zone: str = "UTC"
    variables: Variables = NO_VARIABLES
    assumed: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    part: int = 1  # the element that is walked, where an event is split
    is_bare: bool = False  # of a document that is no flow: its variables stand as {{ vars.x }}


def packed(ground: Ground, document: dict[str, Any]) -> dict[str, Any]:
    """A ground as JSON; of what is sealed only what the document names, opened."""
    named = {str(step.get("connection")) for step, _ in nesting.every(document.get("steps"))}
    text = msgspec.json.encode(document).decode()
    return {
        "flow_name": ground.flow_name,
        "connections": {name: _opened(ground.connections[name].unseal) for name in named & ground.connections.keys()},
        "answers": dict(ground.answers),
        "assumed": dict(ground.assumed),
        "zone": ground.zone,
        "part": ground.part,
        "is_bare": ground.is_bare,
        "plain": dict(ground.variables.plain),
        "sealed": {name: _opened(opens) for name, opens in ground.variables.sealed.items() if name in text},
    }


def _opened(unseal: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"values": unseal(), "fault": ""}
    except RelayError as error:
        return {"values": None, "fault": str(error)}


def unpacked(value: dict[str, Any]) -> Ground:
    """The ground that `packed` has packed."""
    sealed = {name: _Opened(**one).unseal for name, one in value["sealed"].items()}
    return Ground(
        value["flow_name"],
        {name: _Opened(**one) for name, one in value["connections"].items()},
        value["answers"],
        value["zone"],
        Variables(value["plain"], sealed),
        value["assumed"],
        value["part"],
        value["is_bare"],
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """What was sealed and is open, or why it could not be opened."""

    values: Any
    fault: str
    rate: str = ""

    def unseal(self) -> Any:
        if self.fault:
            raise RelayError(self.fault)
        return self.values
