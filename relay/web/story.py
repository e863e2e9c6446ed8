"""What happened to a run, told in plain words and in order."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from relay.connectors import registry
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Attempt, HeldBy, Run, RunState
from relay.web import times

KINDS = {
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
MOST_INSIDE = 200  # entries of steps inside of one that the page shows, and of those beyond what went wrong
TELLING = frozenset({"failed", "waiting"})
DEEPEST = 4  # levels that the page indents


@dataclass(frozen=True, slots=True)
class Try:
    attempt: Attempt
    curl: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the version on the way of a run. `state` is empty where the run didn't come.

    `depth`: how many steps it is inside of. `place`: of the element, in a loop: `[2]`.
    """

    id: str
    kind: str
    name: str
    does: str
    state: str = ""
    error: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    done_by: str = ""  # the run that did it, where a replay took over what it brought
    tries: tuple[Try, ...] = ()
    depth: int = 0
    place: str = ""
    left_out: int = 0  # entries of steps inside that are not shown

    @property
    def indent(self) -> int:
        return min(self.depth, DEEPEST)


def stops(run: Run, document: Mapping[str, Any], attempts: Iterable[Attempt]) -> list[Stop]:
    """Every step of the version with what became of it in this run; of steps inside of others those it came to."""
    by_step: dict[str, list[Try]] = defaultdict(list)
    for attempt in attempts:
        by_step[attempt.step].append(Try(attempt, curl(attempt.request or {})))
    return _Telling(run, by_step).stops(document.get("steps"))


class _Telling:
    """What became of each step: by the trail, and by tries of what is under way."""

    def __init__(self, run: Run, tries: Mapping[str, list[Try]]) -> None:
        self._tries = tries
        self._entries = {entry["id"]: entry for entry in run.steps}
        self._came_to: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys([*self._entries, *tries]):
            self._came_to[nesting.base(name)].append(name)
        self._left = {RunState.FAILED: "failed", RunState.CANCELLED: "cancelled"}.get(RunState(run.state), "waiting")

    def stops(self, steps: Any) -> list[Stop]:
        found: list[Stop] = []
        order = {name: place for place, name in enumerate(dict.fromkeys([*self._entries, *self._tries]))}
        for step in steps if isinstance(steps, list) else ():
            inside = [
                self._stop(one, name, depth + 1)
                for one, depth in nesting.every([inner for _, block in nesting.inner(step) for inner in block])
                for name in self._came_to[one["id"]]
            ]
            inside.sort(key=lambda stop: order[stop.id])
            shown = [*inside[:MOST_INSIDE], *[stop for stop in inside[MOST_INSIDE:] if stop.state in TELLING]]
            found.append(replace(self._stop(step, step["id"], 0), left_out=len(inside) - len(shown)))
            found += shown
        return found

    def _stop(self, step: Mapping[str, Any], name: str, depth: int) -> Stop:
        entry, tries = self._entries.get(name) or {}, tuple(self._tries.get(name, ()))
        return Stop(
            id=name,
            kind=step["kind"],
            name=step.get("name") or step["id"],
            does=does(step),
            state=entry.get("state") or (self._left if tries else ""),
            error=entry.get("error", ""),
            # An action's answer is shown with its tries.
            outputs=_texts(entry.get("outputs") or {}) if step["kind"] != "action" else {},
            done_by=entry.get("from", ""),
            tries=tries,
            depth=depth,
            place=name.removeprefix(step["id"]),
        )


def _texts(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Outputs as texts, what is none as JSON."""
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in outputs.items()
    }


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
            if rests(run):
                return f"{reason}. Then it goes on by itself."
            return f"It was not taken: {reason}. Relay tries again by itself."
        case RunState.HELD:
            is_unknown = run.held_by == HeldBy.UNKNOWN
            return f"{reason}." if is_unknown else f"It is kept and not run: {reason}. Release it, or resume the flow."
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


def rests(run: Run) -> bool:
    """Whether a run waits because a step says so, and not for its next try."""
    return bool(run.steps) and run.steps[-1]["state"] == "waiting"


def _success(run: Run, stops: list[Stop]) -> str:
    if any(stop.state == "joined" for stop in stops):
        return f"{run.reason}."
    if run.reason and run.has_failures:
        return f"It went through to the end. {run.reason}."
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
