"""Edits the document of a draft, which may be incomplete or malformed."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import msgspec

from relay.connectors.definition import Action, Connector
from relay.flows import nesting
from relay.web.editor import simple_forms

STEP_TYPES = ("filter", "set", "action", *simple_forms.NEW_STEPS)
JSON = dict[str, Any]


def editable_copy(document: Any) -> JSON:
    """Return a copy in which `trigger` is an object and `steps` a list of objects with ids, whatever the draft has."""
    # A round trip through JSON costs a tenth of a deep copy.
    edited: JSON = msgspec.json.decode(msgspec.json.encode(document)) if isinstance(document, dict) else {}
    steps = edited.get("steps")
    edited["steps"] = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    step_ids: StepIds | None = None
    for step in edited["steps"]:
        if not isinstance(step.get("id"), str) or not step["id"]:
            step_ids = step_ids or StepIds(edited)
            step["id"] = step_ids.unused(str(step.get("kind") or "step"))
    if not isinstance(edited.get("trigger"), dict):
        edited["trigger"] = {"kind": "webhook"}
    return edited


def position(document: JSON, step_id: str) -> int:
    """Return the index of a top-level step, or -1."""
    return next((index for index, step in enumerate(document["steps"]) if step["id"] == step_id), -1)


def find_step(document: JSON, step_id: str) -> JSON | None:
    """Return a top-level step, or None."""
    index = position(document, step_id)
    return document["steps"][index] if index >= 0 else None


class StepIds:
    """Makes unused step ids. It reads the document once: a copy of thousands of nested steps needs as many new ids."""

    def __init__(self, document: JSON) -> None:
        self._taken = {step["id"] for step in nesting.all_steps(document)}
        self._numbers: dict[str, int] = {}

    def unused(self, stem: str) -> str:
        """Reserve and return an id that no step has: `stem`, `stem_2` and so on."""
        number, name = self._numbers.get(stem, 1), stem
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._numbers[stem] = number
        self._taken.add(name)
        return name


def unused_id(document: JSON, stem: str) -> str:
    """Return an id that no step has: `stem`, `stem_2` and so on."""
    return StepIds(document).unused(stem)


def add(document: JSON, kind: str, *, after: str) -> str:
    """Insert a new step after the step `after`, or first, and return its id."""
    step: JSON = {"id": unused_id(document, kind), "kind": kind}
    if kind == "filter":
        step["when"] = {"all": [{"left": "", "op": "equals", "right": ""}]}
    elif kind == "set":
        step["values"] = {}
    else:
        step.update(copy.deepcopy(simple_forms.NEW_STEPS.get(kind, {})))
    document["steps"].insert(position(document, after) + 1, step)
    return str(step["id"])


def move(document: JSON, step_id: str, *, by: int) -> None:
    index = position(document, step_id)
    target = index + by
    steps = document["steps"]
    if index >= 0 and 0 <= target < len(steps):
        steps[index], steps[target] = steps[target], steps[index]


def duplicate(document: JSON, step_id: str) -> str:
    """Insert a copy after a step, and return the id of the copy, or `step_id` if there is no such step."""
    step = find_step(document, step_id)
    if step is None:
        return step_id
    duplicate_step = copy.deepcopy(step)
    step_ids = StepIds(document)
    document["steps"].insert(position(document, step_id) + 1, duplicate_step)
    for nested, _ in nesting.every([duplicate_step]):
        nested["id"] = step_ids.unused(nested["id"])
    return str(duplicate_step["id"])


def toggle(document: JSON, step_id: str) -> None:
    """Disable a step, or enable a disabled one."""
    step = find_step(document, step_id)
    if step is not None and not step.pop("disabled", False):
        step["disabled"] = True


def remove(document: JSON, step_id: str) -> str:
    """Remove a step, and return the id of the card to open next."""
    index = position(document, step_id)
    if index < 0:
        return "trigger"
    del document["steps"][index]
    steps = document["steps"]
    return str(steps[min(index, len(steps) - 1)]["id"]) if steps else "trigger"


def choose_action(document: JSON, step_id: str, *, connector: Connector, action: Action, connection: str | None) -> str:
    """Set the action of a step, and return its id. A new step gets an id that names the connector."""
    step = find_step(document, step_id)
    if step is None:
        return step_id
    key = f"{connector.key}.{action.key}"
    if not step.get("action"):
        step["id"] = step["id"] if step["id"] != "action" else unused_id(document, connector.key)
    elif str(step["action"]).split(".")[0] != connector.key:
        step.pop("connection", None)
    if step.get("action") != key:
        defaults = {field.key: field.default for field in action.inputs if field.default is not None}
        step["inputs"] = defaults
    step["action"] = key
    if connection and not step.get("connection"):
        step["connection"] = connection
    return str(step["id"])


def write_as_text(step: JSON, path: list[str]) -> None:
    """Replace an input of an action, at a path such as `items` or `items.0.price`, by its JSON as text.

    An empty one becomes an expression to start from. A path that leads nowhere changes nothing.
    """
    place: Any = step.setdefault("inputs", {})
    for name, following in pairwise(path):
        if isinstance(place, dict) and not following.isdecimal():
            place = place.setdefault(name, {})
        else:
            place = _item(place, name)
    value = _item(place, path[-1]) if path else None
    if not path or not isinstance(place, dict) or isinstance(value, str):
        return
    filled = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    place[path[-1]] = filled if value else f"{{{{ event.body.{path[-1]} }}}}"


def _item(place: Any, name: str) -> Any:
    if isinstance(place, list):
        return place[int(name)] if name.isdecimal() and int(name) < len(place) else None
    return place.get(name) if isinstance(place, dict) else None
