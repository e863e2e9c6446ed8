"""Preview: what a step's fields would become for an event, by the code that delivers, in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from relay import redaction
from relay.connectors import calls, registry, verdicts
from relay.engine import trial, trials, variables
from relay.engine.eventshape import arrived
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.flows.uses import uses
from relay.models import Event, Flow


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
        question = _question(flow, step, before, event)
        found = trials.ask({**question, **_named(flow, document)})
        shown.fields = {path: FieldPreview(**one) for path, one in found["fields"].items()}
        shown.error, shown.passes = found.get("error", ""), found.get("passes")
        if "inputs" in found:
            shown.request = _request(flow, step, found["inputs"])
    except RelayError as error:
        shown.error = str(error)
    return shown


def _question(flow: Flow, step: dict[str, Any], before: list[dict[str, Any]], event: Event | None) -> dict[str, Any]:
    """What the helper is asked. No credential is in it: it renders what people write, not the connector's request."""
    return {
        "step": step,
        "before": before,
        "outputs": _last_outputs(flow) if before else {},
        "flow": flow.name,
        "event": None if event is None else trial.packed(arrived(event)),
    }


def _named(flow: Flow, document: dict[str, Any]) -> dict[str, Any]:
    """Constants and variables; of secret ones the names, for previews show a mask in their place."""
    constants = document.get("constants")
    known = variables.NONE
    if next(uses(document, "vars"), None) is not None:
        known = variables.load([flow.workspace_id]).get(flow.workspace_id, known)
    return {
        "constants": constants if isinstance(constants, dict) else {},
        "split": trigger_settings(document).split,
        "vars": dict(known.plain),
        "secret_vars": list(known.sealed),
    }


def _find(document: dict[str, Any], step_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    steps = document.get("steps")
    before: list[dict[str, Any]] = []
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            if step.get("id") == step_id:
                return step, before
            before.append(step)
    raise RelayError(f"There is no step “{step_id}”")


def _last_outputs(flow: Flow) -> dict[str, dict[str, Any]]:
    """What the actions of this flow answered last, so that later fields have something to show."""
    run = flow.runs.order_by("-id").first()
    found: dict[str, dict[str, Any]] = {}
    if run is not None:
        for attempt in run.attempts.order_by("id"):
            if attempt.answer:
                found[attempt.step] = verdicts.outputs_of_record(attempt.answer)
        found.update({entry["id"]: entry["outputs"] for entry in run.steps if "outputs" in entry})
    return found


def _request(flow: Flow, step: dict[str, Any], inputs: Any) -> dict[str, Any]:
    connector, action = registry.find(str(step.get("action")))
    values = _connection(flow, step)
    if action.target == "inbox":
        message = calls.inbox_message(action, inputs)
        return {"method": "POST", "url": "inbox", "headers": {}, "body": redaction.masked_json(message, ())}
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
