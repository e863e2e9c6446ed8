"""Lists the names of the outputs that a step gives to later steps, as far as its document says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.connectors import registry
from relay.errors import RelayError
from relay.flows import step_types

_ANSWER = {"status", "headers", "body", "body_start", "body_error", "files"}


def output_names(step: step_types.Step) -> frozenset[str] | None:
    """The names that may follow `steps.<id>.`; None if they are not known."""
    names = _OWN[type(step)](step)
    has_error = isinstance(step, step_types.Action | step_types.Loop) and step.on_error != "stop"
    return names | {"error"} if names is not None and has_error else names


def _of_action(step: step_types.Action) -> frozenset[str] | None:
    try:
        action = registry.find(step.action)[1]
    except RelayError:
        return None
    names = frozenset(output.key for output in action.outputs)
    # `body_start` and `body_error` exist if the body was cut or could not be unpacked, `files` if the answer is a file.
    return names if action.target == "inbox" else names | _ANSWER


def _always(*names: str) -> Callable[[Any], frozenset[str] | None]:
    return lambda _step: frozenset(names)


_OWN: dict[type[step_types.Step], Callable[[Any], frozenset[str] | None]] = {
    step_types.Filter: _always(),
    # A set without values may stand for a step that can't be read.
    step_types.Set: lambda step: frozenset(step.values) or None,
    step_types.Action: _of_action,
    step_types.Respond: _always("status", "headers", "body"),
    step_types.Branch: _always("arm", "arms"),
    step_types.Loop: _always("count", "left_out", "outputs"),
    step_types.Delay: _always("until"),
    step_types.Digest: _always("count", "items"),
    step_types.Changed: _always(),
    step_types.Once: _always(),
}
