"""Inputs of an action rendered: the one place in which secret variables are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.engine import variables
from relay.flows.plan import ActionStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def rendered(walk: Walk, step: ActionStep) -> Any:
    """The inputs of a step; secrets that went into them are added to those of the walk, with what became of them."""
    opened = walk.errand.variables.opened(step.variables)
    if not opened:
        return step.inputs.render(walk.context)
    secrets = opened.values()
    walk.outcome.secrets.update(secrets)
    known = {**walk.errand.variables.plain, **opened}
    inputs = step.inputs.render({**walk.context, "vars": known})
    walk.outcome.secrets.update(variables.derived(step.inputs.value, inputs, opened, secrets))
    return inputs
