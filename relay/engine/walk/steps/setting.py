"""Walks a set step: renders values by name for the steps after it."""

from __future__ import annotations

from relay.engine.walk.files.run_files import SENDER_BUSY_SECONDS
from relay.engine.walk.walk import Walk
from relay.errors import RelayError, SenderBusy
from relay.flows.compiled_steps import SetStep


def set_values(walk: Walk, step: SetStep) -> None:
    # Values that keep a reference to the steps must see them as they are now, not as they will be.
    context = {**walk.context, "steps": dict(walk.steps)}
    try:
        values = step.values.render(context)
        if step.lookups:
            values = {**values, **{name: lookup.render(name, context) for name, lookup in step.lookups}}
    except SenderBusy:
        # The bytes of a file can't be read now.
        walk.put_back(SENDER_BUSY_SECONDS)
    except RelayError as error:
        walk.fail(step, str(error))
    walk.enter(step, "set", values)
