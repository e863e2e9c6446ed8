"""A delay: the run waits until a moment, due then, in nobody's hands.

With a key, what is asked when the run begins to wait is remembered as the last to do so, and asked again in the end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from relay.engine.asks import Ask, digest
from relay.engine.endings import Ended
from relay.engine.steps.asking import ask_now
from relay.errors import RelayError
from relay.flows import moments
from relay.flows.planned import DelayStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def delay(walk: Walk, step: DelayStep) -> None:
    """Decide until when, once. A moment that is past is no wait."""
    now, place = time.time_ns() // 1000, moments.zone(walk.errand.zone)
    try:
        value = step.moment.render(walk.context)
        moment = moments.until(value, now=now, place=place) if step.is_date else moments.after(value, now=now)
        ask = _ask(walk, step, until=moment)
    except RelayError as error:
        walk.failed(step, str(error))
    outputs = {"until": moments.iso(moment, place)}
    if moment <= now:
        walk.enter(step, "waited", outputs)
        return
    # What ends at a date is no later when the clock is set back.
    since: dict[str, Any] = {} if step.is_date else {"since": now}
    walk.enter(step, "waiting", outputs, **since)
    walk.tries = 0
    walk.outcome.ask = ask
    walk.outcome.state, walk.outcome.due_at = "waiting", moment
    walk.outcome.reason = f"Waits at “{step.name}” until {moments.told(moment, place)}"
    raise Ended


def waited(walk: Walk, step: DelayStep, entry: dict[str, Any]) -> None:
    """Go on: a run that waits is claimed when its time has come, or when a person says so."""
    try:
        ask = _ask(walk, step, until=None)
    except RelayError as error:
        walk.failed(step, str(error))
    if ask is None:
        walk.replace(entry, state="waited")
    else:
        ask_now(walk, ask)


def _ask(walk: Walk, step: DelayStep, *, until: int | None) -> Ask | None:
    if step.key is None:
        return None
    return Ask("delay", step.id, step.id + walk.place, step.name, digest(step.key.render(walk.context)), until=until)
