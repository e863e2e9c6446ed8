"""Creates flows from recipes, and dry-runs the samples of recipes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import transaction

from relay.connectors import registry
from relay.engine.configuration import flow_lifecycle, samples
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.engine.preview import document_check
from relay.errors import RelayError
from relay.flows import step_types
from relay.flows.document import Document
from relay.models import Flow, User, Workspace
from relay.recipes.loader import Need, Recipe, RecipeSample

# Stands for the idempotency key, which differs in each run.
KEY = "{{ key }}"
_Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RecipeAnswers:
    """A person's choices for a new flow: values of constants, a connection for each name that the recipe uses, and
    whether actions without a connection post to the built-in inbox instead.
    """

    constants: Mapping[str, Any] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    takes_inbox: bool = False


@dataclass(frozen=True, slots=True)
class RecipeConnection:
    """A recipe's connection. `choices`: the workspace's connections to its service. `chosen`: "" for none."""

    name: str
    connector: str
    label: str
    choices: tuple[str, ...]
    chosen: str


def match_connections(recipe: Recipe, workspace: Workspace, chosen: Mapping[str, str]) -> list[RecipeConnection]:
    """Match a recipe's connections: as chosen, else the one of that name, else the only one to that service."""
    existing: dict[str, list[str]] = {}
    for name, connector in workspace.connections.order_by("name").values_list("name", "connector"):
        existing.setdefault(connector, []).append(name)
    matches = []
    for name, connector in _connectors(recipe).items():
        choices = tuple(existing.get(connector, ()))
        label = registry.connector(connector).label
        matches.append(RecipeConnection(name, connector, label, choices, _pick(name, choices, chosen.get(name))))
    _refuse_unknown("connection", chosen, [match.name for match in matches])
    return matches


def _pick(name: str, choices: tuple[str, ...], chosen: Any) -> str:
    if chosen:
        if chosen not in choices:
            raise RelayError(f"There is no connection “{chosen}” for the one that the recipe calls {name}")
        return str(chosen)
    if name in choices:
        return name
    return choices[0] if len(choices) == 1 else ""


def _connectors(recipe: Recipe) -> dict[str, str]:
    used = (action for action in actions(recipe) if action.connection)
    return {str(action.connection): registry.find(action.action)[0].key for action in used}


def actions(recipe: Recipe) -> list[step_types.Action]:
    """All actions of a recipe, including nested ones."""
    steps = step_types.every(msgspec.convert(recipe.document, Document).steps)
    return [step for step in steps if isinstance(step, step_types.Action)]


def create_flow(recipe: Recipe, workspace: Workspace, answers: RecipeAnswers, *, by: User | None = None) -> Flow:
    """Create a flow as a draft, with the recipe's samples; RelayError for a name that the recipe doesn't have.

    Values that are not given stay as they are in the recipe; `find_missing` names them.
    """
    matches = match_connections(recipe, workspace, answers.connections)
    document = with_constants(recipe, answers.constants)
    names = {match.name: match.chosen for match in matches if match.chosen}
    document = _with_actions(document, lambda step: _renamed(step, names))
    if answers.takes_inbox:
        text = msgspec.json.encode(document).decode()
        unmatched = {match.name for match in matches if not match.chosen}
        document = _with_actions(document, lambda step: _to_inbox(step, unmatched, text))
    checked = document_check.check(workspace.pk, document)
    with transaction.atomic():
        flow = flow_lifecycle.import_checked(workspace, checked, by=by)
        for sample in recipe.samples:
            samples.add(flow, sample.name, sample.event)
    return flow


def with_constants(recipe: Recipe, constants: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's document with these constants. A text becomes a number if the recipe has a number there."""
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


def _refuse_unknown(noun: str, given: Iterable[str], known: list[str]) -> None:
    for name in sorted(set(given) - set(known)):
        hint = f"; there are {', '.join(known)}" if known else ""
        raise RelayError(f"The recipe has no {noun} “{name}”{hint}")


def _with_actions(value: Any, change: _Change) -> Any:
    """A document with each action changed, including nested ones."""
    if isinstance(value, list):
        return [_with_actions(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    without_steps = {"inputs", "constants", "values"}
    inner = {key: item if key in without_steps else _with_actions(item, change) for key, item in value.items()}
    return change(inner) if inner.get("kind") == "action" else inner


def _renamed(step: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {**step, "connection": names[step["connection"]]} if step.get("connection") in names else step


def _to_inbox(step: dict[str, Any], unmatched: set[str], document: str) -> dict[str, Any]:
    """Replace an action without a connection by a message in the inbox, unless a step uses its outputs."""
    if step.get("connection") not in unmatched or f"steps.{step['id']}." in document:
        return step
    connector, action = registry.find(step["action"])
    texts = [(field.label, step["inputs"].get(field.key)) for field in action.inputs]
    lines = [f"{label}: {text}" for label, text in texts if isinstance(text, str)]
    text = lines[0].partition(": ")[2] if len(lines) == 1 else "\n".join(lines)
    kept = {key: value for key, value in step.items() if key != "connection"}
    return {**kept, "action": "inbox.post", "inputs": {"channel": connector.label, "text": text}}


def empty_needs(recipe: Recipe, flow: Flow) -> list[Need]:
    """What the recipe asks for and the flow has no value for."""
    constants = flow.draft.get("constants", {})
    return [need for need in recipe.needs if not constants.get(need.constant)]


def find_missing(recipe: Recipe, flow: Flow) -> list[str]:
    """Describe what a flow that was created from a recipe still needs."""
    empty = [f"{need.label} (the constant {need.constant})" for need in empty_needs(recipe, flow)]
    return [*empty, *(str(fault) for fault in flow_lifecycle.check(flow))]


# Samples


def dry_run_sample(recipe: Recipe, sample: RecipeSample) -> dict[str, Any]:
    """Dry-run a sample with the examples of the recipe's needs; the result has the form of the sample's `expect`."""
    document = with_constants(recipe, {need.constant: need.example for need in recipe.needs})
    result = dry_run(document, EventData.from_json(sample.event), _dry_run_context(recipe, sample))
    steps = result["steps"]
    report = {
        "state": result["state"],
        # The reason of a run that waits names a time, which differs in each dry run.
        "reason": "" if result["state"] == "waiting" else result["reason"],
        "arms": {step["id"]: step["outputs"]["arm"] for step in steps if step["kind"] == "branch"},
        "requests": [_summary(step["id"], step["request"]) for step in steps if "request" in step],
        "response": result["response"],
    }
    return {name: value for name, value in report.items() if value}


def _dry_run_context(recipe: Recipe, sample: RecipeSample) -> DryRunContext:
    answers = {}
    for step, answer in sample.answers.items():
        body = msgspec.json.encode(answer["body"]).decode()
        answers[step] = {"status": answer["status"], "headers": {"content-type": "application/json"}, "body": body}
    return DryRunContext(recipe.document["name"], answers=answers)


def _summary(step: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request in the form of samples: without headers, a JSON body decoded, the run's idempotency key as KEY."""
    headers = {name.lower(): text for name, text in request["headers"].items()}
    body = (request["body"] or "").replace(headers["idempotency-key"], KEY)
    if body and headers.get("content-type") == "application/json":
        body = msgspec.json.decode(body)
    return {"step": step, "method": request["method"], "url": request["url"], "body": body}
