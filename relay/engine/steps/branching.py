"""A branch: the arms whose condition holds are walked, and what was decided stays decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.errors import RelayError
from relay.flows.planned import BranchStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def branch(walk: Walk, step: BranchStep) -> None:
    entry = walk.passed(step)
    taken = _decide(walk, step) if entry is None else entry["taken"]
    for place in taken:
        walk.block(step.arms[place].steps)


def _decide(walk: Walk, step: BranchStep) -> list[int]:
    """The places of the arms to walk; the last arm is the one for when no other is taken."""
    try:
        taken = _holding(walk, step)
    except RelayError as error:
        walk.failed(step, str(error))
    if not taken and step.arms[-1].steps:
        taken = [len(step.arms) - 1]
    names = [step.arms[place].name for place in taken]
    walk.enter(step, "branched", {"arm": names[0] if names else None, "arms": names}, taken=taken)
    return taken


def _holding(walk: Walk, step: BranchStep) -> list[int]:
    taken = []
    for place, arm in enumerate(step.arms):
        if arm.condition is not None and arm.condition.holds(walk.context):
            taken.append(place)
            if not step.takes_all:
                break
    return taken
