"""What happened to a run, told in plain words and in order."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.connectors import registry
from relay.errors import RelayError
from relay.models import Attempt, Run, RunState
from relay.web import times

KINDS = {"filter": "Filter", "set": "Set values", "respond": "Respond"}


@dataclass(frozen=True, slots=True)
class Try:
    attempt: Attempt
    curl: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the version on the way of a run. `state` is empty where the run didn't come."""

    id: str
    kind: str
    name: str
    does: str
    state: str = ""
    error: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    done_by: str = ""  # the run that did it, where a replay took over what it brought
    tries: tuple[Try, ...] = ()


def stops(run: Run, document: Mapping[str, Any], attempts: Iterable[Attempt]) -> list[Stop]:
    """Every step of the version, with what became of it in this run."""
    by_step: dict[str, list[Try]] = defaultdict(list)
    for attempt in attempts:
        by_step[attempt.step].append(Try(attempt, curl(attempt.request or {})))
    walked = {entry["id"]: entry for entry in run.steps}
    given_up = {RunState.FAILED: "failed", RunState.CANCELLED: "cancelled"}.get(RunState(run.state), "waiting")
    return [
        _stop(step, walked.get(step["id"]) or {}, tuple(by_step[step["id"]]), given_up)
        for step in document.get("steps", ())
    ]


def _stop(step: Mapping[str, Any], entry: Mapping[str, Any], tries: tuple[Try, ...], tried: str) -> Stop:
    """`tried`: the state of a step that the run has left while it was still tried."""
    state = entry.get("state") or (tried if tries else "")
    return Stop(
        id=step["id"],
        kind=step["kind"],
        name=step.get("name") or step["id"],
        does=does(step),
        state=state,
        error=entry.get("error", ""),
        # An action's answer is shown with its tries.
        outputs=entry.get("outputs") or {} if step["kind"] != "action" else {},
        done_by=entry.get("from", ""),
        tries=tries,
    )


def does(step: Mapping[str, Any]) -> str:
    """`Slack: Post a message`, `Filter`, `Set values`."""
    if step.get("kind") != "action":
        return KINDS.get(str(step.get("kind")), str(step.get("kind")))
    return action_label(step.get("action"))


def action_label(key: Any) -> str:
    if not isinstance(key, str) or not key:
        return "Choose what to do"
    try:
        connector, action = registry.find(key)
    except RelayError:
        return key
    return f"{connector.label}: {action.label}"


def sentence(run: Run, stops: list[Stop]) -> str:
    """One sentence: what happened, or what it waits for."""
    reason = run.reason.rstrip(".")
    match run.state:
        case RunState.QUEUED:
            return "It has arrived and waits for a worker."
        case RunState.RUNNING:
            return "A worker has it in hand right now."
        case RunState.WAITING:
            return f"It was not taken: {reason}. Relay tries again by itself."
        case RunState.HELD:
            return f"It is kept and not run: {reason}. Release it, or resume the flow."
        case RunState.FILTERED:
            return f"{reason}. Nothing more was sent, as the flow asks."
        case RunState.SUCCEEDED:
            return _success(run, stops)
        case RunState.PARTLY_FAILED:
            failed = ", ".join(f"“{stop.name}”" for stop in stops if stop.state == "failed")
            return f"It went through to the end, but not everything was delivered: {failed} failed."
        case RunState.CANCELLED:
            return "It was cancelled by hand. What had been sent before is sent."
    failed = next((f"“{stop.name}” failed: " for stop in stops if stop.state == "failed"), "")
    return f"{failed}{reason}."


def _success(run: Run, stops: list[Stop]) -> str:
    delivered = [stop for stop in stops if stop.kind == "action" and stop.state == "succeeded"]
    places = list(dict.fromkeys(stop.does.split(":")[0] for stop in delivered))
    tries = sum(len(stop.tries) for stop in delivered)
    took = times.duration((run.finished_at - times.born(run.pk)).total_seconds()) if run.finished_at else "no time"
    if not places:
        return f"It went through all steps in {took}; there was nothing to deliver."
    again = "" if tries <= len(delivered) else f", with {tries} tries"
    return f"All was delivered in {took}{again}: {_listed(places)}."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def curl(request: Mapping[str, Any]) -> str:
    """The request as a cURL line, secrets masked as stored; nothing for what was no HTTP request."""
    url = request.get("url") or ""
    if "://" not in url:
        return ""
    parts = ["curl", "-X", request.get("method") or "POST", shlex.quote(url)]
    for name, value in (request.get("headers") or {}).items():
        parts += ["-H", shlex.quote(f"{name}: {value}")]
    if request.get("body"):
        parts += ["--data-binary", shlex.quote(request["body"])]
    return " ".join(parts)
