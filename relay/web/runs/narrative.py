"""Describes a run for people: one sentence for the run, and a line for each step."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relay.bodies import numerals
from relay.connectors import chains, registry, response_rules
from relay.flows import nesting
from relay.models import Attempt, AttemptState, HeldBy, Run, RunState
from relay.web.ui import times

STEP_TYPE_LABELS = {
    "filter": "Filter",
    "set": "Set values",
    "respond": "Respond",
    "branch": "Branch",
    "loop": "Loop",
    "delay": "Delay",
    "digest": "Digest",
    "changed": "Only if changed",
    "once": "Only once",
}
MAX_NESTED_LINES = 200  # of one step; beyond it, only lines that failed or wait
_ALWAYS_SHOWN = frozenset({"failed", "waiting"})
MAX_INDENT = 4  # levels


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """An attempt. `call`: the label of the call of an action that was tried, "" for the action's own request.

    `state`: that of the attempt, or `refused`.
    """

    attempt: Attempt
    curl: str
    call: str = ""
    state: str = ""

    @property
    def cut(self) -> int:
        """The number of characters left out of the request and the answer."""
        records = (self.attempt.request, self.attempt.answer)
        return sum(record.get("cut", 0) for record in records if record)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the version, or one iteration of it. `state` is empty if the run didn't reach it.

    `depth`: how deep it is nested. `place`: the element of a loop, as `[2]`. `tries`: of its calls and of itself.
    `skipped`: the labels of its calls that were not needed.
    """

    id: str
    kind: str
    name: str
    does: str
    state: str = ""
    error: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    takes: str = ""  # the paths that a branch took
    advice: str = ""  # what a person does about the error, where the error does not say it
    done_by: str = ""  # the original run, if a replay took over the outputs
    tries: tuple[AttemptLine, ...] = ()
    skipped: tuple[str, ...] = ()
    depth: int = 0
    place: str = ""
    left_out: int = 0  # nested lines that are not shown
    cut: int = 0  # characters left out, in all

    @property
    def indent(self) -> int:
        return min(self.depth, MAX_INDENT)


def step_lines(run: Run, document: Mapping[str, Any], attempts: Iterable[Attempt]) -> list[StepLine]:
    """Return a line for each top-level step of the version, and for each nested step that the run reached."""
    by_step: dict[str, list[AttemptLine]] = defaultdict(list)
    actions = {step["id"]: step.get("action") for step in nesting.all_steps(document)}
    for attempt in attempts:
        action, key = actions.get(nesting.base(attempt.step)), nesting.call_key(attempt.step)
        line = AttemptLine(
            attempt, curl(attempt.request or {}), call_label(action, key), _try_state(attempt, action, key)
        )
        by_step[nesting.action_entry(attempt.step)].append(line)
    return _Narrator(run, by_step).lines(nesting.top(document))


class _Narrator:
    """Finds the state of each step in the trail, or by its attempts if it is not finished."""

    def __init__(self, run: Run, tries: Mapping[str, list[AttemptLine]]) -> None:
        self._tries = tries
        self._entries = {entry.id: entry for entry in run.entries if not entry.is_call}
        self._skipped: dict[str, list[str]] = defaultdict(list)
        for entry in run.entries:
            if entry.is_call and entry.state == "skipped":
                self._skipped[entry.action_id].append(nesting.call_key(entry.id))
        self._iterations: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys([*self._entries, *tries]):
            self._iterations[nesting.base(name)].append(name)
        self._unfinished_state = {RunState.FAILED: "failed", RunState.CANCELLED: "cancelled"}.get(
            RunState(run.state), "waiting"
        )

    def lines(self, steps: Iterable[dict[str, Any]]) -> list[StepLine]:
        lines: list[StepLine] = []
        order = {name: index for index, name in enumerate(dict.fromkeys([*self._entries, *self._tries]))}
        for step in steps:
            nested = [
                self._line(inner_step, name, depth + 1)
                for inner_step, depth in nesting.every([inner for _, block in nesting.inner(step) for inner in block])
                for name in self._iterations[inner_step["id"]]
            ]
            nested.sort(key=lambda line: order[line.id])
            shown = [
                *nested[:MAX_NESTED_LINES],
                *[line for line in nested[MAX_NESTED_LINES:] if line.state in _ALWAYS_SHOWN],
            ]
            lines.append(replace(self._line(step, step["id"], 0), left_out=len(nested) - len(shown)))
            lines += shown
        return lines

    def _line(self, step: Mapping[str, Any], name: str, depth: int) -> StepLine:
        entry, tries = self._entries.get(name), tuple(self._tries.get(name, ()))
        return StepLine(
            id=name,
            kind=step["kind"],
            name=label(step),
            does=does(step),
            state=entry.state if entry else self._unfinished_state if tries else "",
            error=entry.error if entry else "",
            advice=advice(entry.error) if entry and not any(line.attempt.request for line in tries) else "",
            takes=paths_taken(entry.outputs or {}) if entry and step["kind"] == "branch" else "",
            # An action's answer is shown with its attempts.
            outputs=_texts(entry.outputs or {}) if entry and step["kind"] not in {"action", "branch"} else {},
            done_by=entry.walked_by if entry else "",
            tries=tries,
            skipped=tuple(call_label(step.get("action"), key) for key in self._skipped.get(name, ())),
            depth=depth,
            place=name.removeprefix(step["id"]),
            cut=(sum(entry.cut.values()) if entry else 0) + sum(line.cut for line in tries),
        )


def _texts(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return outputs as texts, others than strings as JSON."""
    return {
        name: value if isinstance(value, str) else numerals.encode(value).decode() for name, value in outputs.items()
    }


def paths_taken(outputs: Mapping[str, Any]) -> str:
    """Return the names of the paths that a branch took, as people call them."""
    return path_names(outputs.get("arms") or [])


def path_names(arms: Iterable[str]) -> str:
    return ", ".join("Otherwise" if name == "else" else name for name in arms) or "none"


def advice(error: str) -> str:
    """Return what a person does about an error of a template; "" for other errors."""
    if " is missing" in error:
        return "This event doesn't have it. Add a default with | default('…'), or filter out such events first."
    if "(limit: " in error:
        return "The template does too much. Simplify it, or give it less data."
    return ""


def label(step: Mapping[str, Any]) -> str:
    """Return what people call a step: its name, or what it does if it has none."""
    name = step.get("name")
    return name if isinstance(name, str) and name else does(step)


def does(step: Mapping[str, Any]) -> str:
    """Return what a step does: `Slack: Post a message`, `Filter`, `Set values`."""
    if step.get("kind") != "action":
        return STEP_TYPE_LABELS.get(str(step.get("kind")), str(step.get("kind")))
    return action_label(step.get("action"))


def action_label(key: Any) -> str:
    if not isinstance(key, str) or not key:
        return "Choose what to do"
    known = registry.known(key)
    return f"{known[0].label}: {known[1].label}" if known else key


def _try_state(attempt: Attempt, key: Any, call_key: str) -> str:
    """Return the state of an attempt; `refused` if the service did not accept the credential."""
    known = registry.known(key) if attempt.state == AttemptState.RETRY and isinstance(key, str) else None
    made = (chains.find(known[1], call_key) if call_key else known[1]) if known else None
    reply = made.reply if made is not None else None
    is_refused = reply is not None and response_rules.is_refusal(reply, attempt.status, attempt.error)
    return "refused" if is_refused else str(attempt.state)


def call_label(action: Any, key: str) -> str:
    """Return the label of a call of an action; "" for no call, the key for one that is not known."""
    known = registry.known(action) if key and isinstance(action, str) else None
    call = chains.find(known[1], key) if known else None
    return call.label if call else key


# What a person does about a held run, after its reason; "" where the reason says it.
_WHAT_RELEASES: dict[str, str] = {
    HeldBy.UNKNOWN: "",
    HeldBy.WORKER: "",
    HeldBy.CREDENTIAL: " Under Connections, enter the credential again or connect it again: the run then continues.",
}


def sentence(run: Run, lines: list[StepLine]) -> str:
    """Return one sentence: what happened, or what the run waits for."""
    reason = run.reason.rstrip(".")
    match run.state:
        case RunState.QUEUED:
            return "Waiting for a worker."
        case RunState.RUNNING:
            return "A worker is running it now."
        case RunState.WAITING:
            if is_waiting_at_step(run):
                return f"{reason}. Then it continues automatically."
            return f"Delivery failed: {reason}. Relay will retry."
        case RunState.HELD:
            return f"{reason}.{_WHAT_RELEASES.get(run.held_by, ' Release it, or resume the flow.')}"
        case RunState.FILTERED:
            return f"{reason}. The flow sends nothing more in this case."
        case RunState.SUCCEEDED:
            return _success(run, lines)
        case RunState.PARTLY_FAILED:
            failed = ", ".join(f"“{line.name}”" for line in lines if line.state == "failed")
            return f"The run finished, but not everything was delivered: {failed} failed."
        case RunState.CANCELLED:
            return "Cancelled by a person. Requests already sent are not undone."
    failed = next((f"“{line.name}” failed: " for line in lines if line.state == "failed"), "")
    return f"{failed}{reason}."


def is_waiting_at_step(run: Run) -> bool:
    """Return whether a run waits because a step says so, and not for its next try."""
    return bool(run.entries) and run.entries[-1].state == "waiting"


def _success(run: Run, lines: list[StepLine]) -> str:
    if any(line.state == "joined" for line in lines):
        return f"{run.reason}."
    if run.reason and run.has_failures:
        return f"The run finished. {run.reason}."
    delivered = [line for line in lines if line.kind == "action" and line.state == "succeeded"]
    services = list(dict.fromkeys(line.does.split(":")[0] for line in delivered))
    # The calls of an action that succeeded are no further tries of it.
    tries = sum(not one.call or one.attempt.state != "succeeded" for line in delivered for one in line.tries)
    took = (
        times.duration((run.finished_at - times.created_at(run.pk)).total_seconds()) if run.finished_at else "no time"
    )
    if not services:
        return f"All steps were run in {took}; there was nothing to deliver."
    again = "" if tries <= len(delivered) else f", with {tries} tries"
    return f"Everything was delivered in {took}{again}: {_joined(services)}."


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def curl(request: Mapping[str, Any]) -> str:
    """Return a request as a cURL command, with secrets masked as stored; "" if it was no HTTP request."""
    url = request.get("url") or ""
    if "://" not in url or "cut" in request:
        return ""
    parts = ["curl", "-X", request.get("method") or "POST", shlex.quote(url)]
    for name, value in (request.get("headers") or {}).items():
        parts += ["-H", shlex.quote(f"{name}: {value}")]
    if request.get("body"):
        parts += ["--data-binary", shlex.quote(request["body"])]
    return " ".join(parts)
