"""Prepares the result of a dry run for its page: each step, its request or fault, and the answer to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.flows import cors, nesting
from relay.flows.document import trigger_settings
from relay.models.json_layout import pretty
from relay.web.runs import narrative
from relay.web.ui import payload_tree, state_labels

MAX_STEPS = 200  # beyond it, only steps with a fault are shown
MAX_NODES = 6_000  # of all trees on the page


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a dry run. `advice`: what to do about `error`. `lacks`: the name of a missing connection."""

    id: str
    step_id: str
    kind: str
    name: str
    does: str
    state: str
    indent: int
    place: str
    error: str
    advice: str
    lacks: str
    takes: str  # the paths that a branch takes
    request: Mapping[str, Any] | None
    body: str
    inputs: payload_tree.Node | None
    outputs: payload_tree.Node | None


@dataclass(frozen=True, slots=True)
class CallerAnswer:
    """The answer to the caller, and a sentence that explains it."""

    status: int
    headers: Mapping[str, str]
    body: str
    why: str


@dataclass(frozen=True, slots=True)
class Trace:
    look: state_labels.Look
    sentence: str
    steps: list[TraceStep]
    left_out: int
    answer: CallerAnswer | None


def build_trace(result: dict[str, Any], document: dict[str, Any], have: set[str]) -> Trace:
    """Return the result of a dry run for the page. `have`: the names of the workspace's connections."""
    known = {step["id"]: (step, depth) for step, depth in nesting.every(nesting.top(document))}
    entries = result["steps"]
    chosen = [*entries[:MAX_STEPS], *[entry for entry in entries[MAX_STEPS:] if entry.get("error")]][: MAX_STEPS * 2]
    max_nodes = min(payload_tree.MAX_NODES, MAX_NODES // (2 * len(chosen) or 1))
    shown = [_step(entry, *known[nesting.base(entry["id"])], have, max_nodes) for entry in chosen]
    return Trace(
        look=state_labels.look("run", result["state"]),
        sentence=_sentence(result),
        steps=shown,
        left_out=len(entries) - len(shown),
        answer=_answer(result, document),
    )


def _step(entry: dict[str, Any], step: dict[str, Any], depth: int, have: set[str], max_nodes: int) -> TraceStep:
    request, call = entry.get("request"), nesting.call_key(entry["id"])
    connection = step.get("connection")
    gives = f"calls.{call}" if call else f"steps.{step['id']}"
    return TraceStep(
        id=entry["id"],
        step_id=step["id"],
        kind=step["kind"],
        name=narrative.label(step),
        does=narrative.call_label(step.get("action"), call) or narrative.does(step),
        state=entry["state"],
        indent=min(depth, narrative.MAX_INDENT),
        place=nesting.action_entry(entry["id"]).removeprefix(step["id"]),
        error=entry.get("error", ""),
        advice=_advice(entry.get("error", "")),
        lacks=connection if isinstance(connection, str) and connection not in have else "",
        takes=narrative.paths_taken(entry["outputs"]) if step["kind"] == "branch" and "outputs" in entry else "",
        request=request,
        body=pretty((request or {}).get("body") or ""),
        inputs=_tree(entry.get("inputs"), "inputs", max_nodes),
        outputs=_tree(entry.get("outputs"), gives, max_nodes) if step["kind"] != "branch" else None,
    )


def _tree(value: Any, name: str, max_nodes: int) -> payload_tree.Node | None:
    return payload_tree.build_tree(value, name=name, key=name, open_to=2, max_nodes=max_nodes) if value else None


def _advice(error: str) -> str:
    if not error:
        return ""
    return narrative.advice(error) or "Open the step and fix the field, or choose what happens if it fails."


def _sentence(result: dict[str, Any]) -> str:
    reason = result["reason"].rstrip(".")
    match result["state"]:
        case "succeeded":
            return f"It would run to the end{f', but {reason}' if reason else ''}."
        case "filtered":
            return f"{reason}. Nothing more would be sent."
        case "waiting":
            return f"{reason or 'It would wait here'}. Later steps are not shown."
    return f"{reason}."


def _answer(result: dict[str, Any], document: dict[str, Any]) -> CallerAnswer | None:
    trigger = trigger_settings(document)
    if trigger.kind != "webhook":
        return None
    response, step_response = trigger.response, result["response"]
    note = f" {cors.NOTE}" if cors.has_templated_origins_only(document) else ""
    if response.wait and step_response:
        why = "A step responds, and the caller waits for it."
        return CallerAnswer(
            step_response["status"], step_response["headers"], pretty(step_response["body"]), why + note
        )
    why, headers = "Immediately, before the steps run.", response.headers
    if response.wait:
        why = f"No step responds. The caller waits until the run ends, {response.wait} at most."
        headers = {**headers, "Relay-State": result["state"]}
    elif step_response:
        why = "Immediately: a step responds, but the trigger doesn't wait for it. Set a wait in the trigger's response."
    return CallerAnswer(response.status, headers, response.body or '{"event": "…"}', why + note)
