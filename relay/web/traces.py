"""A dry run for people: every step told, what it would send, what is wrong, and what the caller would get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.flows import nesting
from relay.flows.document import trigger_settings
from relay.models.ledger import pretty
from relay.web import states, story, trees

MOST = 200  # steps that the page shows


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a dry run. `advice` says what to do about `error`; `lacks` names a connection that isn't there."""

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
    takes: str  # of a branch, the arms
    request: Mapping[str, Any] | None
    body: str
    inputs: trees.Node | None
    outputs: trees.Node | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets, and a sentence of why."""

    status: int
    headers: Mapping[str, str]
    body: str
    why: str


@dataclass(frozen=True, slots=True)
class Trace:
    look: states.Look
    sentence: str
    steps: list[Step]
    left_out: int
    answer: Answer | None


def trace(result: dict[str, Any], document: dict[str, Any], have: set[str]) -> Trace:
    """What `dryrun.tell` gave of a document, told; `have`: the names of the connections that are there."""
    known = {step["id"]: (step, depth) for step, depth in nesting.every(document.get("steps"))}
    told = [_step(entry, *known[nesting.base(entry["id"])], have) for entry in result["steps"]]
    shown = [*told[:MOST], *[step for step in told[MOST:] if step.error]][: MOST * 2]
    return Trace(
        look=states.look("run", result["state"]),
        sentence=_sentence(result),
        steps=shown,
        left_out=len(told) - len(shown),
        answer=_answer(result, document),
    )


def _step(entry: dict[str, Any], step: dict[str, Any], depth: int, have: set[str]) -> Step:
    request = entry.get("request")
    connection = step.get("connection")
    return Step(
        id=entry["id"],
        step_id=step["id"],
        kind=step["kind"],
        name=step.get("name") or step["id"],
        does=story.does(step),
        state=entry["state"],
        indent=min(depth, story.DEEPEST),
        place=entry["id"].removeprefix(step["id"]),
        error=entry.get("error", ""),
        advice=_advice(entry.get("error", "")),
        lacks=connection if isinstance(connection, str) and connection not in have else "",
        takes=", ".join(entry.get("outputs", {}).get("arms", ())) if step["kind"] == "branch" else "",
        request=request,
        body=pretty((request or {}).get("body") or ""),
        inputs=_tree(entry.get("inputs"), "inputs"),
        outputs=_tree(entry.get("outputs"), f"steps.{step['id']}") if step["kind"] != "branch" else None,
    )


def _tree(value: Any, name: str) -> trees.Node | None:
    return trees.grow(value, name=name, key=name, open_to=2) if value else None


def _advice(error: str) -> str:
    if not error:
        return ""
    if " is missing" in error:
        return "This event doesn't have it. Give it a default with | default('…'), or filter such events out before."
    if "(limit: " in error:
        return "The template does too much. Make it simpler, or give it less to go through."
    return "Open the step and mend the field, or say what is done when it fails."


def _sentence(result: dict[str, Any]) -> str:
    reason = result["reason"].rstrip(".")
    match result["state"]:
        case "succeeded":
            return f"It would go through to the end{f', though {reason}' if reason else ''}."
        case "filtered":
            return f"{reason}. Nothing more would be sent."
        case "waiting":
            return f"{reason or 'It would wait here'}. What comes behind isn't told."
    return f"{reason}."


def _answer(result: dict[str, Any], document: dict[str, Any]) -> Answer | None:
    trigger = trigger_settings(document)
    if trigger.kind != "webhook":
        return None
    response, found = trigger.response, result["response"]
    if response.wait and found:
        why = "A step responds, and the caller waits for it."
        return Answer(found["status"], found["headers"], pretty(found["body"]), why)
    why, headers = "Right away, before the steps are walked.", response.headers
    if response.wait:
        why = f"No step responds. The caller waits for the run's end, {response.wait} at most."
        headers = {**headers, "Relay-State": result["state"]}
    elif found:
        why = "Right away: a step responds, but the trigger doesn't wait for it. Give its response a wait."
    return Answer(response.status, headers, response.body or '{"event": "…"}', why)
