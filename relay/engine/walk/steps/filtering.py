"""Walks a filter: the run ends unless its condition holds."""

from __future__ import annotations

from relay.engine.walk.exceptions import Filtered
from relay.engine.walk.walk import Walk
from relay.errors import RelayError
from relay.flows.compiled_steps import FilterStep


def pass_or_stop(walk: Walk, step: FilterStep) -> None:
    try:
        passes = step.condition.holds(walk.context)
    except RelayError as error:
        walk.fail(step, str(error))
    walk.enter(step, "passed" if passes else "filtered")
    if not passes:
        raise Filtered(f"Stopped at “{step.name}”: its condition does not hold")
