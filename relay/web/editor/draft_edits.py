"""Edits the document of a draft, which may be incomplete or malformed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from relay.connectors.definition import Action, Connector
from relay.flows import nesting
from relay.web.editor.steps import places

JSON = dict[str, Any]
# An id that can be an address: the commands of buttons have spaces between their words, and addresses have colons.
_is_address = re.compile(r"[^\s:]{1,200}").fullmatch


def editable_copy(document: Any) -> JSON:
    """Return a copy in which `trigger` is an object and every list of steps holds objects with ids.

    An id that can't be an address, which no published flow has, is replaced, so that no button means another step.
    """
    # A round trip through JSON costs a tenth of a deep copy.
    edited: JSON = msgspec.json.decode(msgspec.json.encode(document)) if isinstance(document, dict) else {}
    steps = edited.get("steps")
    edited["steps"] = _objects(steps) if isinstance(steps, list) else []
    if not isinstance(edited.get("trigger"), dict):
        edited["trigger"] = {"kind": "webhook"}
    nameless = list(_tidy(edited["steps"]))
    step_ids = StepIds(edited) if nameless else None
    for step in nameless:
        stem = re.sub(r"\W+", "_", str(step.get("id") or step.get("kind") or ""))[:40].strip("_") or "step"
        step["id"] = step_ids.unused(stem) if step_ids else ""
    return edited


def _objects(value: list[Any]) -> list[JSON]:
    return [item for item in value if isinstance(item, dict)]


def _tidy(steps: list[JSON]) -> Iterator[JSON]:
    """Remove what is not an object from every list; yield the steps without an id that can be an address."""
    for step in steps:
        if not isinstance(step.get("id"), str) or not _is_address(step["id"]):
            yield step
        if isinstance(step.get("branches"), list):
            step["branches"] = _objects(step["branches"])
        for holder in (*nesting.arms(step), step):
            for key in ("steps", "else", "error_steps"):
                if isinstance(holder.get(key), list):
                    holder[key] = _objects(holder[key])
                    yield from _tidy(holder[key])


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


def choose_action(document: JSON, step_id: str, *, connector: Connector, action: Action, connection: str | None) -> str:
    """Set the action of a step, and return its id. A new step gets an id that names the connector."""
    step = places.find_step(document, step_id)
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
