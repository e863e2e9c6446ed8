"""Recipes: a flow made of one, and what each sample of it comes to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import transaction

from relay.connectors import registry
from relay.engine import publish, samples
from relay.engine.drywalk import dry_run
from relay.engine.eventshape import event_of
from relay.engine.ground import Ground
from relay.errors import RelayError
from relay.flows import kinds
from relay.flows.document import Document
from relay.models import Flow, User, Workspace
from relay.recipes.shelf import Recipe, Sample

# Stands for the key that is another one in each run.
KEY = "{{ key }}"
_Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a flow is made with: values of constants, which connection to take for which name of the recipe, and whether
    what has no connection posts to the built-in inbox instead.
    """

    constants: Mapping[str, Any] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    takes_inbox: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that a recipe names. `choices`: those of the workspace for that service. `chosen`: "" for none."""

    name: str
    connector: str
    label: str
    choices: tuple[str, ...]
    chosen: str


def connected(recipe: Recipe, workspace: Workspace, chosen: Mapping[str, str]) -> list[Connected]:
    """The connections of a recipe: as chosen, else the one of that name, else the only one for that service."""
    have: dict[str, list[str]] = {}
    for name, connector in workspace.connections.order_by("name").values_list("name", "connector"):
        have.setdefault(connector, []).append(name)
    found = []
    for name, connector in _connectors(recipe).items():
        choices = tuple(have.get(connector, ()))
        label = registry.connector(connector).label
        found.append(Connected(name, connector, label, choices, _pick(name, choices, chosen.get(name))))
    _refuse_unknown("connection", chosen, [one.name for one in found])
    return found


def _pick(name: str, choices: tuple[str, ...], chosen: Any) -> str:
    if chosen:
        if chosen not in choices:
            raise RelayError(f"There is no connection “{chosen}” for what the recipe calls {name}")
        return str(chosen)
    if name in choices:
        return name
    return choices[0] if len(choices) == 1 else ""


def _connectors(recipe: Recipe) -> dict[str, str]:
    return {str(one.connection): registry.find(one.action)[0].key for one in actions(recipe) if one.connection}


def actions(recipe: Recipe) -> list[kinds.Action]:
    """All actions of a recipe, nested ones too."""
    steps = kinds.every(msgspec.convert(recipe.document, Document).steps)
    return [one for one in steps if isinstance(one, kinds.Action)]


def use(recipe: Recipe, workspace: Workspace, wanted: Wanted, *, by: User | None = None) -> Flow:
    """A new flow as a draft, with the recipe's samples; RelayError for a name that the recipe doesn't know.

    What is not given stays as the recipe has it: `missing` names it.
    """
    found = connected(recipe, workspace, wanted.connections)
    document = with_constants(recipe, wanted.constants)
    names = {one.name: one.chosen for one in found if one.chosen}
    document = _with_actions(document, lambda step: _renamed(step, names))
    if wanted.takes_inbox:
        text = msgspec.json.encode(document).decode()
        lacks = {one.name for one in found if not one.chosen}
        document = _with_actions(document, lambda step: _to_inbox(step, lacks, text))
    with transaction.atomic():
        flow = publish.import_document(workspace, document, by=by)
        for sample in recipe.samples:
            samples.add(flow, sample.name, sample.event)
    return flow


def with_constants(recipe: Recipe, constants: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's document with these constants; a text becomes a number where the recipe has one."""
    document = copy.deepcopy(recipe.document)
    own = document.get("constants", {})
    _refuse_unknown("constant", constants, list(own))
    own.update({name: _like(name, own[name], value) for name, value in constants.items()})
    return document


def _like(name: str, own: Any, value: Any) -> Any:
    if isinstance(own, str) or not isinstance(value, str):
        return value
    kind: Any = int | float if isinstance(own, int | float) else type(own)
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError:
        raise RelayError(f"The constant {name} is {'a number' if kind == int | float else 'JSON'}") from None


def _refuse_unknown(what: str, given: Iterable[str], known: list[str]) -> None:
    for name in sorted(set(given) - set(known)):
        there = f"; there are {', '.join(known)}" if known else ""
        raise RelayError(f"The recipe has no {what} “{name}”{there}")


def _with_actions(value: Any, change: _Change) -> Any:
    """A document with each action changed, nested ones too."""
    if isinstance(value, list):
        return [_with_actions(one, change) for one in value]
    if not isinstance(value, dict):
        return value
    plain = {"inputs", "constants", "values"}
    inner = {key: one if key in plain else _with_actions(one, change) for key, one in value.items()}
    return change(inner) if inner.get("kind") == "action" else inner


def _renamed(step: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {**step, "connection": names[step["connection"]]} if step.get("connection") in names else step


def _to_inbox(step: dict[str, Any], lacks: set[str], document: str) -> dict[str, Any]:
    """An action that has no connection as a message in the inbox, unless a later step needs what it answers."""
    if step.get("connection") not in lacks or f"steps.{step['id']}." in document:
        return step
    connector, action = registry.find(step["action"])
    texts = [(one.label, step["inputs"].get(one.key)) for one in action.inputs]
    lines = [f"{label}: {text}" for label, text in texts if isinstance(text, str)]
    text = lines[0].partition(": ")[2] if len(lines) == 1 else "\n".join(lines)
    kept = {key: value for key, value in step.items() if key != "connection"}
    return {**kept, "action": "inbox.post", "inputs": {"channel": connector.label, "text": text}}


def missing(recipe: Recipe, flow: Flow) -> list[str]:
    """What a flow made of a recipe still needs, in words."""
    constants = flow.draft.get("constants", {})
    empty = [f"{one.label} (the constant {one.constant})" for one in recipe.needs if not constants.get(one.constant)]
    return [*empty, *(str(fault) for fault in publish.check(flow))]


# Samples


def tried(recipe: Recipe, sample: Sample) -> dict[str, Any]:
    """What a sample comes to, in the form of its `expect`: the needs are what their examples say, nothing is sent."""
    document = with_constants(recipe, {one.constant: one.example for one in recipe.needs})
    result = dry_run(document, event_of(sample.event), _ground(recipe, sample))
    steps = result["steps"]
    found = {
        "state": result["state"],
        # Of what waits it names the time.
        "reason": "" if result["state"] == "waiting" else result["reason"],
        "arms": {one["id"]: one["outputs"]["arm"] for one in steps if one["kind"] == "branch"},
        "requests": [_asked(one["id"], one["request"]) for one in steps if "request" in one],
        "response": result["response"],
    }
    return {name: value for name, value in found.items() if value}


def _ground(recipe: Recipe, sample: Sample) -> Ground:
    answers = {}
    for step, answer in sample.answers.items():
        body = msgspec.json.encode(answer["body"]).decode()
        answers[step] = {"status": answer["status"], "headers": {"content-type": "application/json"}, "body": body}
    return Ground(recipe.document["name"], answers=answers)


def _asked(step: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request as samples tell it: no headers, a JSON body as what it says, the key of the run as KEY."""
    headers = {name.lower(): text for name, text in request["headers"].items()}
    body = (request["body"] or "").replace(headers["idempotency-key"], KEY)
    if body and headers.get("content-type") == "application/json":
        body = msgspec.json.decode(body)
    return {"step": step, "method": request["method"], "url": request["url"], "body": body}
