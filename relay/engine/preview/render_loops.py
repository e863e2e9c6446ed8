"""Enters loops for previews, where their first item stands for all, and counts their items."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from relay import templating
from relay.engine.intake.elements import render_list
from relay.errors import RelayError
from relay.flows import nesting

MAX_COUNTED_STEPS = 200
JSON = dict[str, Any]
_Outputs = Callable[[JSON, JSON], JSON]


def enter(loop: JSON, context: JSON) -> None:
    """Set the names of the first item in a context, in place; without an item, nothing is set."""
    items = _items(loop, context)
    if items:
        context[item_name(loop)] = items[0]
        last = len(items) == 1
        context["loop"] = {"index": 1, "index0": 0, "first": True, "last": last, "length": len(items)}


def item_name(loop: JSON) -> str:
    return str(loop.get("as") or "item")


def counts(steps: list[JSON], context: JSON, outputs: _Outputs) -> dict[str, int]:
    """Return how many items each loop among `steps` has, nested ones included. `outputs`: of a step in a context."""
    counted: dict[str, int] = {}
    outer = {**context, "steps": {}}
    # The context of a loop's steps, by the id of each of them.
    contexts: dict[str, JSON] = {}
    for step, _ in islice(nesting.every(steps), MAX_COUNTED_STEPS):
        context = contexts.get(step["id"], outer)
        context["steps"][step["id"]] = outputs(step, context)
        if step.get("kind") == "loop":
            items = _items(step, context)
            if items is not None:
                counted[step["id"]] = len(items)
            context = dict(context)
            enter(step, context)
        contexts |= {inner["id"]: context for _, block in nesting.inner(step) for inner in block}
    return counted


def _items(loop: JSON, context: JSON) -> list[Any] | None:
    """The items that a loop takes; None if its list can't be rendered."""
    over, limit = loop.get("over"), loop.get("limit")
    try:
        with templating.Budget():
            items = render_list(templating.compile_tree(over), over, context)
    except RelayError:
        return None
    if not isinstance(items, list):
        return None
    return items[:limit] if type(limit) is int and limit > 0 else items
