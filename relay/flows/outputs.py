"""Outputs: the names that a step gives to those behind it, as far as its document says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.connectors import registry
from relay.errors import RelayError
from relay.flows import kinds


def outputs(step: kinds.Step) -> frozenset[str] | None:
    """What `steps.<id>.` may be followed by; None where that is not known."""
    names = _OWN[type(step)](step)
    goes_on = isinstance(step, kinds.Action | kinds.Loop) and step.on_error != "stop"
    return names | {"error"} if names is not None and goes_on else names


def _of_action(step: kinds.Action) -> frozenset[str] | None:
    try:
        action = registry.find(step.action)[1]
    except RelayError:
        return None
    own = frozenset(one.key for one in action.outputs)
    return own | {"status", "headers", "body"} if action.target == "http" else own


def _always(*names: str) -> Callable[[Any], frozenset[str] | None]:
    return lambda _step: frozenset(names)


_OWN: dict[type[kinds.Step], Callable[[Any], frozenset[str] | None]] = {
    kinds.Filter: _always(),
    # One without values stands for a step that can't be read, too.
    kinds.Set: lambda step: frozenset(step.values) or None,
    kinds.Action: _of_action,
    kinds.Respond: _always("status", "headers", "body"),
    kinds.Branch: _always("arm", "arms"),
    kinds.Loop: _always("count", "left_out", "outputs"),
    kinds.Delay: _always("until"),
    kinds.Digest: _always("count", "items"),
    kinds.Changed: _always(),
    kinds.Once: _always(),
}
