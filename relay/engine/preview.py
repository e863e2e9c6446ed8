"""Preview: what a step's fields would become for an event, by the very code that delivers. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay import conditions, ids, redaction, templating
from relay.connectors import calls, registry
from relay.engine.errand import Arrived, event_context
from relay.errors import MissingName, RelayError, TemplateFault
from relay.models import Event, Flow

SHOWN = 2_000  # characters of a field's value


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """One field: its value as text, or why there is none. `line` and `column` count from 1, 0 where unknown."""

    text: str = ""
    error: str = ""
    missing: bool = False
    line: int = 0
    column: int = 0


@dataclass(slots=True)
class StepPreview:
    """`fields` by path within the step's inputs, values or condition; `passes` for a filter."""

    fields: dict[str, FieldPreview] = field(default_factory=dict)
    request: dict[str, Any] | None = None
    error: str = ""
    passes: bool | None = None


def preview(flow: Flow, document: dict[str, Any], step_id: str, event: Event | None) -> StepPreview:
    """Render one step of a document, finished or not, for `event`; never raises."""
    shown = StepPreview()
    try:
        step, before = _find(document, step_id)
        context = _context(flow, before, event)
        _show(shown, flow, step, context)
    except RelayError as error:
        shown.error = str(error)
    return shown


def _find(document: dict[str, Any], step_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    steps = document.get("steps")
    before: list[dict[str, Any]] = []
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            if step.get("id") == step_id:
                return step, before
            before.append(step)
    raise RelayError(f"There is no step “{step_id}”")


def _context(flow: Flow, before: list[dict[str, Any]], event: Event | None) -> dict[str, Any]:
    context: dict[str, Any] = {"vars": {}, "flow": {"name": flow.name}, "run": {"id": ids.text(0)}, "steps": {}}
    if event is not None:
        context["event"] = event_context(_arrived(event))
    answers = _last_outputs(flow)
    for step in before:
        context["steps"][step.get("id")] = _outputs(step, context, answers)
    return context


def _arrived(event: Event) -> Arrived:
    headers = msgspec.json.encode(event.headers).decode()
    received = int(event.received_at.timestamp() * 1e6)
    return Arrived(event.pk, event.method, event.query, headers, event.content_type, bytes(event.body), received)


def _outputs(step: dict[str, Any], context: dict[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    if step.get("kind") != "set":
        return dict(answers.get(str(step.get("id")), {}))
    try:
        with templating.Budget():
            values = templating.compile_tree(step.get("values") or {}).render(context)
    except RelayError:
        return {}
    return values if isinstance(values, dict) else {}


def _last_outputs(flow: Flow) -> dict[str, dict[str, Any]]:
    """What the actions of this flow answered last, so that later fields have something to show."""
    run = flow.runs.order_by("-id").first()
    found: dict[str, dict[str, Any]] = {}
    if run is not None:
        for attempt in run.attempts.order_by("id"):
            if attempt.answer:
                found[attempt.step] = calls.outputs_of_record(attempt.answer)
        found.update({entry["id"]: entry["outputs"] for entry in run.steps if "outputs" in entry})
    return found


def _show(shown: StepPreview, flow: Flow, step: dict[str, Any], context: dict[str, Any]) -> None:
    kind = step.get("kind")
    tree = {"action": step.get("inputs"), "set": step.get("values"), "filter": step.get("when")}.get(str(kind))
    for path, source in leaves(tree):
        shown.fields[path] = _field(source, context)
    if "event" not in context:
        return
    if kind == "filter":
        with templating.Budget():
            shown.passes = conditions.compile_condition(tree).holds(context)
    elif kind == "action":
        shown.request = _request(flow, step, context)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a tree with its path: `text`, `blocks[0].type`."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from leaves(value, f"{path}[{index}]")


def _field(source: str, context: dict[str, Any]) -> FieldPreview:
    try:
        with templating.Budget():
            value = templating.compile_leaf(source).render(context)
    except MissingName as error:
        if "event" not in context and error.path.split(".")[0].split("[")[0] == "event":
            return FieldPreview()
        return FieldPreview(error=str(error), missing=True)
    except TemplateFault as error:
        return FieldPreview(error=str(error), line=error.line, column=error.column)
    except RelayError as error:
        return FieldPreview(error=str(error))
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return FieldPreview(text=text if len(text) <= SHOWN else text[:SHOWN] + "…")


def _request(flow: Flow, step: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    connector, action = registry.find(str(step.get("action")))
    values = _connection(flow, step)
    with templating.Budget():
        inputs = templating.compile_tree(step.get("inputs") or {}).render(context)
    if action.target == "inbox":
        message = calls.inbox_message(action, inputs)
        return {"method": "POST", "url": "inbox", "headers": {}, "body": msgspec.json.encode(message).decode()}
    request = calls.build(connector, action, inputs, values, key="preview")
    return redaction.request_record(request, calls.secrets_of(connector, values))


def _connection(flow: Flow, step: dict[str, Any]) -> dict[str, Any] | None:
    name = step.get("connection")
    if not name:
        return None
    connection = flow.workspace.connections.filter(name=name).first()
    if connection is None:
        raise RelayError(f"The connection “{name}” does not exist yet")
    values: dict[str, Any] = connection.unseal()
    return values
