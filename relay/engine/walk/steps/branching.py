"""Walks a branch: the arms whose condition holds. The decision is stored and not made again."""

from __future__ import annotations

import time

from relay.engine.walk.walk import Walk
from relay.errors import RelayError
from relay.flows.compiled_steps import BranchStep

# CPU seconds for all conditions of one branch; each condition also has its own limit.
MAX_CONDITION_SECONDS = 0.25


def branch(walk: Walk, step: BranchStep) -> None:
    entry = walk.restore(step)
    taken = _decide(walk, step) if entry is None else entry.taken
    for index in taken or ():
        walk.block(step.arms[index].steps)


def _decide(walk: Walk, step: BranchStep) -> list[int]:
    """The indexes of the arms to walk; the last arm is walked if no other is."""
    walk.check_turn()
    try:
        taken = _holding(walk, step)
    except RelayError as error:
        walk.fail(step, str(error))
    if not taken and step.arms[-1].steps:
        taken = [len(step.arms) - 1]
    names = [step.arms[index].name for index in taken]
    walk.enter(step, "branched", {"arm": names[0] if names else None, "arms": names}, taken=taken)
    return taken


def _holding(walk: Walk, step: BranchStep) -> list[int]:
    taken: list[int] = []
    ends = time.thread_time() + MAX_CONDITION_SECONDS
    for index, arm in enumerate(step.arms):
        if time.thread_time() > ends:
            raise RelayError(
                f"The conditions of “{step.name}” take longer than {MAX_CONDITION_SECONDS * 1000:.0f} ms together"
            )
        if arm.condition is not None and arm.condition.holds(walk.context):
            taken.append(index)
            if not step.takes_all:
                break
    return taken
