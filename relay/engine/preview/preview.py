"""Previews a step's fields for an event, with the code that deliveries use, in a separate process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relay.connectors import chains, masked_request, registry
from relay.connectors.definition import Action, Call
from relay.connectors.response_rules import AnswerVerdict
from relay.engine.intake import body_excerpts
from relay.engine.intake.event_data import EventData
from relay.engine.preview import last_answers, render_client, render_task
from relay.engine.walk import step_request, variables
from relay.engine.walk.step_request import ShownCall
from relay.errors import RelayError
from relay.flows import nesting, surroundings
from relay.flows.document import trigger_settings
from relay.flows.references import find_mentions
from relay.flows.surroundings import Surroundings
from relay.models import Event, Flow

# The error that error steps see in a preview, in which no step has failed.
ASSUMED_ERROR = "(why the step failed)"


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """The value of a field as text, or the error. `line` and `column` count from 1; 0 if they are unknown."""

    text: str = ""
    error: str = ""
    missing: bool = False
    line: int = 0
    column: int = 0


@dataclass(slots=True)
class StepPreview:
    """`fields` by path in the step's inputs, values or condition. `passes` and `hint` are for filters.

    `calls`: the calls that an action makes before its `request`.
    """

    fields: dict[str, FieldPreview] = field(default_factory=dict)
    calls: list[ShownCall] = field(default_factory=list)
    request: dict[str, Any] | None = None
    error: str = ""
    passes: bool | None = None
    hint: str = ""


def preview(flow: Flow, document: dict[str, Any], step_id: str, event: Event | None) -> StepPreview:
    """Render one step of a document, finished or not, for `event`; never raises."""
    try:
        return _preview(flow, document, _find(document, step_id), event)
    except RelayError as error:
        return StepPreview(error=str(error))


def preview_condition(
    flow: Flow, document: dict[str, Any], branch_id: str, condition: Any, event: Event | None
) -> StepPreview:
    """Render the condition of a path of a branch for `event`, as that of a filter; never raises."""
    try:
        around = _find(document, branch_id)
        step = {"id": branch_id, "kind": "filter", "when": condition}
        return _preview(flow, document, replace(around, step=step), event)
    except RelayError as error:
        return StepPreview(error=str(error))


def _preview(flow: Flow, document: dict[str, Any], around: Surroundings, event: Event | None) -> StepPreview:
    shown = StepPreview()
    answer = render_client.ask(
        {**_question(flow, around, event), **_names(flow, document)}, workspace=flow.workspace_id
    )
    shown.fields = {path: FieldPreview(**values) for path, values in answer["fields"].items()}
    shown.error, shown.passes = answer.get("error", "") or _no_event_reason(event), answer.get("passes")
    shown.hint = answer.get("hint", "")
    if "inputs" in answer:
        try:
            shown.calls, shown.request = _requests(flow, around.step, answer["inputs"], event)
        except RelayError as error:
            shown.error = str(error)
    return shown


@dataclass(frozen=True, slots=True)
class KnownData:
    """What is known where a step is: `items` of the loops around it by name, and `outputs` of the steps before it.

    `counts`: how many items each loop of the flow has in the event, by the id of the loop.
    """

    items: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def known_data(flow: Flow, document: dict[str, Any], step_id: str, event: Event | None) -> KnownData:
    """Return what is known at a step: values for the event, and answers to its run.

    At any other card, such as that of the trigger, only the `counts`.
    """
    around = surroundings.find(document, step_id) or Surroundings({})
    loops = [step for step in nesting.all_steps(document) if step.get("kind") == "loop"]
    if not (around.before or loops):
        return KnownData()
    question = {**_question(flow, around, event), **_names(flow, document), "known": True}
    question["step"] = {}
    question["tree"] = nesting.top(document) if loops and question["event"] is not None else []
    try:
        answer = render_client.ask(question, workspace=flow.workspace_id)
    except RelayError:
        answer = {}
    values, answers = answer.get("known", {}), question["outputs"]
    outputs = {step["id"]: values.get(step["id"]) or answers.get(step["id"]) for step in around.before}
    return KnownData(
        items=answer.get("items", {}),
        outputs={step_id: values for step_id, values in outputs.items() if values},
        counts=answer.get("counts", {}),
    )


def _question(flow: Flow, around: Surroundings, event: Event | None) -> dict[str, Any]:
    """The question for the helper process. It has no credentials, because the helper doesn't build the request."""
    outputs = last_answers.outputs(flow, None if event is None else event.pk) if around.before else {}
    for step_id in around.failed:
        outputs[step_id] = {**outputs.get(step_id, {}), "error": ASSUMED_ERROR}
    return {
        "step": around.step,
        "before": list(around.before),
        "loops": [[loop.position, _loop_head(loop.step)] for loop in around.loops],
        "outputs": outputs,
        "flow": flow.name,
        "event": None
        if event is None or _no_event_reason(event)
        else render_task.pack_event(EventData.from_model(event)),
    }


def _loop_head(step: dict[str, Any]) -> dict[str, Any]:
    return {key: step[key] for key in ("over", "as", "limit") if key in step}


def _no_event_reason(event: Event | None) -> str:
    """Why the preview doesn't use the event; "" if it does."""
    size = 0 if event is None else body_excerpts.size(event)
    if size <= body_excerpts.MAX_BYTES:
        return ""
    return f"This event is too large for a preview ({size:,} bytes): use a dry run instead"


def _names(flow: Flow, document: dict[str, Any]) -> dict[str, Any]:
    """Constants and variables; of secret variables only the names, because previews show masks for them."""
    constants = document.get("constants")
    loaded = variables.NONE
    if next(find_mentions(document, "vars"), None) is not None:
        loaded = variables.load([flow.workspace_id]).get(flow.workspace_id, loaded)
    return {
        "constants": constants if isinstance(constants, dict) else {},
        "split": trigger_settings(document).split,
        "vars": dict(loaded.plain),
        "secret_vars": list(loaded.sealed),
    }


def _find(document: dict[str, Any], step_id: str) -> Surroundings:
    around = surroundings.find(document, step_id)
    if around is None:
        raise RelayError(f"There is no step “{step_id}”")
    return around


def _requests(
    flow: Flow, step: dict[str, Any], inputs: Any, event: Event | None
) -> tuple[list[ShownCall], dict[str, Any]]:
    """The calls of a step's action, and its own request."""
    connector, action = registry.find(str(step.get("action")))
    source, connection = step.get("inputs") or {}, _connection(flow, step)

    def record(sent: Action, _: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        return step_request.shown_record(connector, sent, inputs, source, connection, key="preview", calls=answers)

    if not action.before:
        return [], record(action, "", {})
    stored = last_answers.records(flow, None if event is None else event.pk)

    def judge(call: Call) -> AnswerVerdict | None:
        found = stored.get(f"{step['id']}.{call.key}")
        return None if found is None else chains.stored_verdict(action, call, found)

    public = masked_request.shown_connection(connector, connection)
    calls, answers, is_known = step_request.shown_calls(action, inputs, public, record, judge)
    return calls, step_request.shown_or_written(action, "", answers, record, is_known=is_known)


def _connection(flow: Flow, step: dict[str, Any]) -> dict[str, Any] | None:
    name = step.get("connection")
    if not name:
        return None
    connection = flow.workspace.connections.filter(name=name).first()
    if connection is None:
        raise RelayError(f"The connection “{name}” does not exist yet")
    values: dict[str, Any] = connection.unseal()
    return values
