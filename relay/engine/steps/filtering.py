"""A filter: the run goes on, or ends here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.engine.endings import Filtered
from relay.errors import RelayError
from relay.flows.planned import FilterStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def pass_or_stop(walk: Walk, step: FilterStep) -> None:
    try:
        passes = step.condition.holds(walk.context)
    except RelayError as error:
        walk.failed(step, str(error))
    walk.enter(step, "passed" if passes else "filtered")
    if not passes:
        raise Filtered(f"Stopped at “{step.name}”: its condition does not hold")
