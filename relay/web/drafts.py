"""Edits of a draft: plain functions from a document to a document, which may be half-built or odd."""

from __future__ import annotations

import copy
from typing import Any

from relay.connectors.definition import Action, Connector
from relay.flows import nesting
from relay.web import kindforms

KINDS = ("filter", "set", "action", *kindforms.NEW)
JSON = dict[str, Any]


def copied(document: Any) -> JSON:
    """A copy to edit, whose `steps` is a list of objects with an id each, whatever was there."""
    edited: JSON = copy.deepcopy(document) if isinstance(document, dict) else {}
    steps = edited.get("steps")
    edited["steps"] = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    for step in edited["steps"]:
        if not isinstance(step.get("id"), str) or not step["id"]:
            step["id"] = unused(edited, str(step.get("kind") or "step"))
    if not isinstance(edited.get("trigger"), dict):
        edited["trigger"] = {"kind": "webhook"}
    return edited


def position(document: JSON, step_id: str) -> int:
    """The place of a step, -1 when there is none of that id."""
    return next((place for place, step in enumerate(document["steps"]) if step["id"] == step_id), -1)


def found(document: JSON, step_id: str) -> JSON | None:
    place = position(document, step_id)
    return document["steps"][place] if place >= 0 else None


def unused(document: JSON, stem: str) -> str:
    """`stem`, or `stem_2` and so on: an id that no step has."""
    taken = [step["id"] for step, _ in nesting.every(document["steps"])]
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name


def add(document: JSON, kind: str, *, after: str) -> str:
    """Put a new step after another, or first; its id."""
    step: JSON = {"id": unused(document, kind), "kind": kind}
    if kind == "filter":
        step["when"] = {"all": [{"left": "", "op": "equals", "right": ""}]}
    elif kind == "set":
        step["values"] = {}
    else:
        step.update(copy.deepcopy(kindforms.NEW.get(kind, {})))
    document["steps"].insert(position(document, after) + 1, step)
    return str(step["id"])


def move(document: JSON, step_id: str, *, by: int) -> None:
    place = position(document, step_id)
    target = place + by
    steps = document["steps"]
    if place >= 0 and 0 <= target < len(steps):
        steps[place], steps[target] = steps[target], steps[place]


def duplicate(document: JSON, step_id: str) -> str:
    """Put a copy right after a step; the id of the copy, or `step_id` when there is no such step."""
    step = found(document, step_id)
    if step is None:
        return step_id
    twin = copy.deepcopy(step)
    document["steps"].insert(position(document, step_id) + 1, twin)
    for one, _ in list(nesting.every([twin])):
        one["id"] = unused(document, one["id"])
    return str(twin["id"])


def switch(document: JSON, step_id: str) -> None:
    """Disable a step, or enable it again."""
    step = found(document, step_id)
    if step is not None and not step.pop("disabled", False):
        step["disabled"] = True


def remove(document: JSON, step_id: str) -> str:
    """Take a step away; the id of the card to show then."""
    place = position(document, step_id)
    if place < 0:
        return "trigger"
    del document["steps"][place]
    steps = document["steps"]
    return str(steps[min(place, len(steps) - 1)]["id"]) if steps else "trigger"


def choose(document: JSON, step_id: str, *, connector: Connector, action: Action, connection: str | None) -> str:
    """Set what an action step does; the step's id, which says more from then on when it is a new step."""
    step = found(document, step_id)
    if step is None:
        return step_id
    key = f"{connector.key}.{action.key}"
    if not step.get("action"):
        step["id"] = step["id"] if step["id"] != "action" else unused(document, connector.key)
    elif str(step["action"]).split(".")[0] != connector.key:
        step.pop("connection", None)
    if step.get("action") != key:
        defaults = {field.key: field.default for field in action.inputs if field.default is not None}
        step["inputs"] = defaults
    step["action"] = key
    if connection and not step.get("connection"):
        step["connection"] = connection
    return str(step["id"])
