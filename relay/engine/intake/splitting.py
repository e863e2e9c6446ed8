"""Fans out an event with a list in it into a run for each element, which templates read as `item`."""

from __future__ import annotations

from typing import Any

from relay.engine.intake.elements import Elements
from relay.engine.intake.event_data import RUN_BUDGET, EventData, event_context
from relay.errors import PayloadError, RelayError
from relay.templating import Leaf

MAX_RUNS = 1_000  # of one event


def count_runs(split: Leaf, event: EventData) -> int | None:
    """How many runs an event becomes; None if it can't be split: then it is one run, which fails with the reason."""
    try:
        return check_size(Elements(split).render({"event": event_context(event)}), budget=event.budget)
    except (RelayError, ValueError, TypeError, RecursionError):
        return None


def check_size(elements: Any, source: str = "the template", *, budget: int = RUN_BUDGET) -> int:
    """The length of a rendered fan-out list; PayloadError if it isn't a list, or is too long.

    `budget`: how many runs the event may lead to.
    """
    if not isinstance(elements, list):
        raise PayloadError(f"The event can't be split: {source[:80]} gives no list")
    if len(elements) > MAX_RUNS:
        raise PayloadError(
            f"The event can't be split: the list has {len(elements):,} elements; it may have {MAX_RUNS:,}"
        )
    if len(elements) > budget:
        raise PayloadError(
            f"The event can't be split: the list has {len(elements):,} elements, and of the runs that flows may cause "
            f"by calling each other {budget:,} are left"
        )
    return len(elements)


def element_context(split: Leaf, context: dict[str, Any], part: int | None, budget: int = RUN_BUDGET) -> dict[str, Any]:
    """`item` and `loop` of the run for the element number `part`, counted from 1; RelayError if it doesn't exist.

    `budget`: how many runs the event may lead to.
    """
    elements = _elements(split, context, budget)
    if part is None or not 1 <= part <= len(elements):
        raise PayloadError("This event was not split when it arrived, or otherwise; send it again instead")
    number, size = part - 1, len(elements)
    loop = {"index": part, "index0": number, "first": number == 0, "last": part == size, "length": size}
    return {"item": elements[number], "loop": loop}


def _elements(split: Leaf, context: dict[str, Any], budget: int) -> list[Any]:
    elements: list[Any] = Elements(split).render(context)
    check_size(elements, split.source, budget=budget)
    return elements
