"""Limits how many runs one event from outside may lead to when flows call each other.

An event from outside has a budget of START runs. A request that a flow sends carries in `Relay-Budget` what is left for
the flow that it calls: the budget without the flow's own runs, divided by the runs of a split, by the actions of the
flow that may call another flow, and by the elements of the enclosing loops. Each try gets half of what the tries before
it left. So the runs of all flows together never exceed START, and no shared counter is needed. A sender that drops the
header gets a new budget, like anybody who sends the same request by hand.
"""

from __future__ import annotations

from relay.connectors.request_builder import RelayHeaders
from relay.engine.walk.walk import Walk
from relay.flows.compiled_steps import ActionStep


def onward(walk: Walk, step: ActionStep) -> RelayHeaders:
    """Relay's own headers for this try: the workspace, the number of hops and the remaining budget."""
    work_item = walk.work_item
    budget = _share(walk) if step.may_call_flows else None
    return RelayHeaders(work_item.workspace_id, work_item.event.hops + 1, budget)


def _share(walk: Walk) -> int:
    left = max(0, walk.work_item.event.budget - walk.runs_of_event) // (
        walk.runs_of_event * walk.work_item.plan.calls * walk.width
    )
    for _ in range(min(walk.tries, left.bit_length())):
        left //= 2
    return left - left // 2
