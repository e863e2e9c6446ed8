"""Inputs of an action rendered: the one place in which secret variables are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.engine.derived import derived, may_transform, stand_in
from relay.errors import RelayError
from relay.flows.plan import ActionStep
from relay.templating import Budget

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def rendered(walk: Walk, step: ActionStep) -> Any:
    """The inputs of a step; secrets that went into them are added to those of the walk, with what became of them."""
    opened = walk.errand.variables.opened(step.variables)
    if not opened:
        return step.inputs.render(walk.context)
    walk.outcome.secrets.update(opened.values())
    known = {**walk.errand.variables.plain, **opened}
    inputs = step.inputs.render({**walk.context, "vars": known})
    other = _otherwise(walk, step, opened) if may_transform(step.inputs.value, opened) else None
    walk.outcome.secrets.update(derived(step.inputs.value, inputs, other, opened))
    return inputs


def _otherwise(walk: Walk, step: ActionStep, opened: dict[str, str]) -> Any:
    """What the inputs become with other secrets: where that is something else, there is a secret in it."""
    known = {**walk.errand.variables.plain, **{name: stand_in(secret) for name, secret in opened.items()}}
    try:
        with Budget.beside():
            return step.inputs.render({**walk.context, "vars": known})
    except RelayError:
        return None
