"""A set: values by name, for the steps behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from relay.errors import RelayError
from relay.flows.planned import Lookup, SetStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def set_values(walk: Walk, step: SetStep) -> None:
    try:
        values = step.values.render(walk.context)
        if step.lookups:
            values = {**values, **{name: _found(name, lookup, walk.context) for name, lookup in step.lookups}}
    except RelayError as error:
        walk.failed(step, str(error))
    walk.enter(step, "set", values)


def _found(name: str, lookup: Lookup, context: dict[str, Any]) -> Any:
    """What a table has for a key; RelayError where it has nothing."""
    key = lookup.key.render(context)
    found = lookup.table.get(_as_key(key), lookup.default)
    if found is None:
        raise RelayError(f"The table of {name} has nothing for {str(key)[:80]!r}, and no default")
    return found.render(context)


def _as_key(value: Any) -> str:
    """A key as a table has it: numbers, true and null as JSON writes them."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
