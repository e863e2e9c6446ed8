"""Steps that remember: digest, changed and once. What they remember is no part of a run, so settling answers them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

from relay import redaction
from relay.engine.asks import Ask, digest
from relay.engine.endings import Ended
from relay.errors import RelayError
from relay.flows import moments
from relay.flows.planned import ChangedStep, DigestStep, OnceStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk

# A digest that only counts is not left gathering for ever.
PATIENCE = 30 * 86_400.0  # seconds


def once(walk: Walk, step: OnceStep) -> None:
    try:
        key = digest(step.key.render(walk.context))
    except RelayError as error:
        walk.failed(step, str(error))
    until = None if step.seconds is None else time.time_ns() // 1000 + int(step.seconds * 1e6)
    ask_now(walk, Ask("once", step.id, step.id + walk.place, step.name, key, until=until))


def changed(walk: Walk, step: ChangedStep) -> None:
    try:
        key = digest(step.key.render(walk.context))
        value = _json(step.value.render(walk.context))
    except RelayError as error:
        walk.failed(step, str(error))
    ask_now(walk, Ask("changed", step.id, step.id + walk.place, step.name, key, value, step.deadband))


def gather(walk: Walk, step: DigestStep) -> None:
    """Ask to be gathered; the item of a run is the body of its event."""
    now, place = time.time_ns() // 1000, moments.zone(walk.errand.zone)
    try:
        key = digest(step.key.render(walk.context))
    except RelayError as error:
        walk.failed(step, str(error))
    since = None
    if step.times:
        until = moments.next_of_day(step.times, now=now, place=place)
    else:
        since = now
        until = now + int((PATIENCE if step.seconds is None else step.seconds) * 1e6)
    item = _json(walk.context["event"]["body"])
    told = moments.told(until, place)
    ask = Ask("digest", step.id, step.id + walk.place, step.name, key, item, None, until, told, step.limit, since)
    ask_now(walk, ask)


def gathered(walk: Walk, step: DigestStep, entry: dict[str, Any]) -> None:
    """Go on with what was gathered, loaded with the run."""
    items = walk.errand.gathered.get(entry["id"], [])
    outputs = {"count": len(items), "items": items}
    walk.steps[step.id] = outputs
    walk.replace(entry, state="gathered", outputs=outputs)


def ask_now(walk: Walk, ask: Ask) -> NoReturn:
    """Among the due again: unless the answer ends the run, it goes on at once."""
    outcome = walk.outcome
    walk.tries = 0
    outcome.ask, outcome.state, outcome.tries = ask, "queued", 0
    outcome.due_at = time.time_ns() // 1000
    outcome.destination_id = outcome.probe_of
    raise Ended


def _json(value: Any) -> str:
    return redaction.masked_json(value, ())
