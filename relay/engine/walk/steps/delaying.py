"""Walks a delay: the run is due again at a moment, and no worker holds it meanwhile.

With a key, only the last run to start waiting continues: its state request at the start records it as the last one,
and the request at the end checks that it still is.
"""

from __future__ import annotations

import time

from relay.bodies.key_digest import key_digest
from relay.engine.walk.exceptions import Ended
from relay.engine.walk.state_requests import StateRequest
from relay.engine.walk.steps.stateful import request_state
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.walk import Walk
from relay.errors import RelayError
from relay.flows import deadlines
from relay.flows.compiled_steps import DelayStep


def delay(walk: Walk, step: DelayStep) -> None:
    """Make the run wait until a moment that is computed once; a moment in the past is no wait."""
    now, zone = time.time_ns() // 1000, deadlines.zone(walk.work_item.zone)
    try:
        value = step.moment.render(walk.context)
        moment = deadlines.until(value, now=now, zone=zone) if step.is_date else deadlines.after(value, now=now)
        request = _request(walk, step, until=moment)
    except RelayError as error:
        walk.fail(step, str(error))
    outputs = {"until": deadlines.iso(moment, zone)}
    if moment <= now:
        walk.enter(step, "waited", outputs)
        return
    # A wait until a date does not change when the clock is set back.
    walk.enter(step, "waiting", outputs, since=None if step.is_date else now)
    walk.tries = 0
    walk.outcome.state_request = request
    walk.outcome.wait(moment, f"Waits at “{step.name}” until {deadlines.as_text(moment, zone)}")
    raise Ended


def waited(walk: Walk, step: DelayStep, entry: TrailEntry) -> None:
    """Continue after the wait, which ends at its moment or when a person ends it."""
    try:
        request = _request(walk, step, until=None)
    except RelayError as error:
        walk.fail(step, str(error))
    if request is None:
        walk.replace(entry, state="waited")
    else:
        request_state(walk, request)


def _request(walk: Walk, step: DelayStep, *, until: int | None) -> StateRequest | None:
    if step.key is None:
        return None
    return StateRequest(
        kind="delay",
        step=step.id,
        entry=step.id + walk.loop_suffix,
        name=step.name,
        key=key_digest(step.key.render(walk.context)),
        until=until,
    )
