"""Splitting: an event with a list in it becomes a run for each element, which templates call `item`."""

from __future__ import annotations

from typing import Any

from relay.engine.arrived import Arrived, event_context
from relay.errors import PayloadError, RelayError
from relay.templating import Leaf

MOST = 1_000  # runs of one event


def count(split: Leaf, event: Arrived) -> int | None:
    """How many runs an event becomes; None where it can't be split: then it is one, whose walk says why."""
    try:
        return len(_elements(split, {"event": event_context(event)}))
    except (RelayError, ValueError, TypeError, RecursionError):
        return None


def names(split: Leaf, context: dict[str, Any], part: int | None) -> dict[str, Any]:
    """`item` and `loop` of the run for one element, counted from 1; RelayError says why there is none."""
    elements = _elements(split, context)
    if part is None or not 1 <= part <= len(elements):
        raise PayloadError("This event was not split when it arrived, or otherwise; send it again instead")
    number, size = part - 1, len(elements)
    loop = {"index": part, "index0": number, "first": number == 0, "last": part == size, "length": size}
    return {"item": elements[number], "loop": loop}


def _elements(split: Leaf, context: dict[str, Any]) -> list[Any]:
    found = split.render(context)
    if not isinstance(found, list):
        raise PayloadError(f"The event can't be split: {split.source[:80]} gives no list")
    if len(found) > MOST:
        raise PayloadError(f"The event can't be split: the list has {len(found):,} elements; it may have {MOST:,}")
    return found
