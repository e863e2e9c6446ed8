"""Walks digest, changed and once. Their state is not part of a run, so settling answers their state requests."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from relay import masking
from relay.bodies.key_digest import key_digest
from relay.engine.walk import digests
from relay.engine.walk.state_requests import StateRequest
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.walk import Walk
from relay.errors import RelayError
from relay.flows import deadlines
from relay.flows.compiled_steps import ChangedStep, DigestStep, OnceStep
from relay.templating import text_bytes

# Seconds after which a digest continues that has a limit and no window.
MAX_WINDOW_SECONDS = 30 * 86_400.0


def once(walk: Walk, step: OnceStep) -> None:
    try:
        key = key_digest(step.key.render(walk.context))
    except RelayError as error:
        walk.fail(step, str(error))
    until = None if step.seconds is None else time.time_ns() // 1000 + int(step.seconds * 1e6)
    entry = step.id + walk.loop_suffix
    request_state(walk, StateRequest(kind="once", step=step.id, entry=entry, name=step.name, key=key, until=until))


def changed(walk: Walk, step: ChangedStep) -> None:
    try:
        key = key_digest(step.key.render(walk.context))
        value = masking.masked_json(step.value.render(walk.context), walk.outcome.hidden)
    except RelayError as error:
        walk.fail(step, str(error))
    request = StateRequest(
        kind="changed",
        step=step.id,
        entry=step.id + walk.loop_suffix,
        name=step.name,
        key=key,
        value=value,
        deadband=step.deadband,
    )
    request_state(walk, request)


def gather(walk: Walk, step: DigestStep) -> None:
    """Request that the run be gathered; its item is the body of its event."""
    now, zone = time.time_ns() // 1000, deadlines.zone(walk.work_item.zone)
    try:
        key = key_digest(step.key.render(walk.context))
    except RelayError as error:
        walk.fail(step, str(error))
    since = None
    if step.times:
        until = deadlines.next_of_day(step.times, now=now, zone=zone)
    else:
        since = now
        until = now + int((MAX_WINDOW_SECONDS if step.seconds is None else step.seconds) * 1e6)
    item = _json(walk.context["event"]["body"])
    if text_bytes(item) > digests.MAX_GATHERED_BYTES:
        limit = digests.MAX_GATHERED_BYTES >> 20
        walk.fail(step, f"“{step.name}” gathers bodies of at most {limit} MiB, and this one is larger")
    request = StateRequest(
        kind="digest",
        step=step.id,
        entry=step.id + walk.loop_suffix,
        name=step.name,
        key=key,
        value=item,
        until=until,
        until_text=deadlines.as_text(until, zone),
        limit=step.limit,
        since=since,
    )
    request_state(walk, request)


def gathered(walk: Walk, step: DigestStep, entry: TrailEntry) -> None:
    """Continue with the gathered items, which were loaded with the run."""
    items = walk.work_item.gathered.get(entry.id, [])
    outputs = {"count": len(items), "items": items}
    walk.steps[step.id] = outputs
    walk.replace(entry, state="gathered", outputs=outputs)


def request_state(walk: Walk, request: StateRequest) -> NoReturn:
    """End the walk with a state request. The run is due at once, unless the answer ends it or makes it wait."""
    walk.tries = 0
    walk.outcome.state_request = request
    walk.put_back()


def _json(value: Any) -> str:
    return masking.masked_json(value, ())
