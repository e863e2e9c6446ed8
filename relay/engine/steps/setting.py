"""A set: values by name, for the steps behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.errors import RelayError
from relay.flows.planned import SetStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def set_values(walk: Walk, step: SetStep) -> None:
    try:
        values = step.values.render(walk.context)
        if step.lookups:
            values = {**values, **{name: lookup.found(name, walk.context) for name, lookup in step.lookups}}
    except RelayError as error:
        walk.failed(step, str(error))
    walk.enter(step, "set", values)
