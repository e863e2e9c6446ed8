"""Causes: why a run failed or is held, in the service's words, and as a mark that identical failures have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from relay import redaction
from relay.engine.doubts import UNKNOWN
from relay.engine.errand import Outcome
from relay.flows import nesting
from relay.flows.planned import ActionStep, PlanStep
from relay.models import IssueKind

MOST_WORDS = 300  # characters, as the model has them
MOST_REASON = 2_000

_SPEAKING = ("message", "error_description", "detail", "error", "title", "reason")
_TELLING = frozenset({"failed", "partly_failed", "held", "waiting"})
_answered = re.compile(r"The answer was (\d{3})(?:: (.*))?", re.DOTALL).fullmatch
_URL = re.compile(r"https?://([^\s/?#\"'<>]+)[^\s\"'<>]*")
_ADDRESS = re.compile(r"[^\s@\"'<>(]+@[^\s@\"'<>)]+")
# Numbers, dates, and whatever has a digit in it: ids, hashes, UUIDs, the names of things that were numbered.
_NUMBERED = re.compile(r"[\w-]*\d[\w:.+-]*")
_ROW = re.compile(r"#(?:[\s,;]+#)+")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed at a step (its id; "" before the first) of a flow. `mark`: the same for identical ones."""

    flow_id: int
    step: str
    step_name: str
    kind: IssueKind
    words: str
    reason: str
    mark: str

    @property
    def issue_id(self) -> int:
        """63 bits of a digest, so that no worker has to ask for it."""
        parts = f"{self.flow_id}\n{self.step}\n{self.kind.value}\n{self.mark}"
        return int.from_bytes(hashlib.sha256(parts.encode()).digest()[:8], "big") >> 1

    def merged(self) -> Cause:
        """The cause that stands for all further ones of its step, where a flow has too many."""
        words = f"Other failures at “{self.step_name}”" if self.step else "Other failures"
        return Cause(self.flow_id, self.step, self.step_name, self.kind, words[:MOST_WORDS], self.reason, "other")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What went wrong: at which step, with its place in loops, and how that is said."""

    at: str
    kind: IssueKind
    reason: str


def cause_of(outcome: Outcome) -> Cause | None:
    """Why a walk ended badly, or where it is held; None for all that is well or only waits.

    A try that failed and will be made again counts only in flows that ask for it.
    """
    if outcome.state not in _TELLING:
        return None
    fault = _fault(outcome)
    return None if fault is None else _cause(outcome, fault)


def _fault(outcome: Outcome) -> _Fault | None:
    if outcome.state == "held":
        return _Fault(outcome.held_at, IssueKind(outcome.held_by), outcome.reason)
    if outcome.state == "failed":
        return _Fault(_failed_at(outcome), IssueKind.FAILED, outcome.reason)
    if outcome.state == "partly_failed":
        return _passed_over(outcome)
    last = outcome.attempts[-1] if outcome.attempts else None
    if last is None or last.state != "retry" or outcome.errand.plan.alerts_on != "first_failure":
        return None
    return _Fault(last.step, IssueKind.FAILED, outcome.reason)


def _failed_at(outcome: Outcome) -> str:
    """The step by which the run failed; "" for one that failed by a limit, or before its first step."""
    failed = [one for one in outcome.trail if one["state"] == "failed" and one.get("error") == outcome.reason]
    return str(failed[-1]["id"]) if failed else ""


def _passed_over(outcome: Outcome) -> _Fault | None:
    """The first failure that no steps of its own took care of."""
    for entry in outcome.trail:
        if entry["state"] == "failed":
            step = _step(outcome.errand.plan.steps, entry["id"])
            if not getattr(step, "error_steps", ()):
                return _Fault(entry["id"], IssueKind.FAILED, entry.get("error") or outcome.reason)
    return _Fault("", IssueKind.FAILED, outcome.reason)


def _cause(outcome: Outcome, fault: _Fault) -> Cause:
    step = _step(outcome.errand.plan.steps, fault.at) if fault.at else None
    service = _service(outcome, step, fault.at) if isinstance(step, ActionStep) else ""
    reason = redaction.mask(redaction.clean(fault.reason), outcome.secrets)
    words = _words(fault.kind, service, reason)
    # What is held for one place is one thing, whatever its probes and tries are answered.
    mark = f"{service}\n{normal(reason)}" if fault.kind == IssueKind.FAILED else service
    return Cause(
        outcome.errand.flow_id,
        nesting.base(fault.at),
        step.name[:200] if step is not None else "",
        fault.kind,
        words[:MOST_WORDS],
        reason[:MOST_REASON],
        mark,
    )


def _step(steps: Sequence[PlanStep], at: str) -> PlanStep | None:
    """The step of a plan that an entry of a trail is of."""
    wanted = nesting.base(at)
    return next((step for step in _every(steps) if step.id == wanted), None)


def _every(steps: Sequence[PlanStep]) -> Iterator[PlanStep]:
    for step in steps:
        yield step
        arms: tuple[Any, ...] = getattr(step, "arms", ())
        for block in (*(arm.steps for arm in arms), getattr(step, "steps", ()), getattr(step, "error_steps", ())):
            yield from _every(block)


def _service(outcome: Outcome, step: ActionStep, at: str) -> str:
    """What people call it: `Slack`; of a connector for anything the host that was called."""
    if step.connector.hosts or step.action.target == "inbox":
        return step.connector.label
    sent = next((one.request for one in reversed(outcome.attempts) if one.step == at and one.request), None)
    url = outcome.origin or (msgspec.json.decode(sent)["url"] if sent else "")
    return _host(url) or step.connector.label


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _words(kind: IssueKind, service: str, reason: str) -> str:
    """The cause as a line of a list has it."""
    if kind == IssueKind.UNKNOWN:
        said = reason.removesuffix(UNKNOWN).strip().rstrip(".")
        return f"{_said(service, said)}: nobody knows whether it was done" if said else _no_answer(service)
    if kind == IssueKind.DESTINATION:
        return f"{service or 'A destination'} keeps failing: {_answer(reason)}"
    if kind == IssueKind.CREDENTIAL:
        return f"{service or 'A service'} refuses the credential: {_answer(reason)}"
    return _said(service, reason)


def _no_answer(service: str) -> str:
    return f"{service} gave no answer: nobody knows whether it was done"


def _said(service: str, reason: str) -> str:
    """`Slack says channel_not_found` of "The answer was 200: channel_not_found"."""
    answer = _answered(reason)
    if answer is None or not service:
        return " ".join(reason.split())
    status, text = answer[1], " ".join(_spoken(answer[2] or "").split())
    if not text:
        return f"{service} answers {status}"
    return f"{service} says {text}" + ("" if status.startswith("2") else f" ({status})")


def _answer(reason: str) -> str:
    """`down (503)` of "The answer was 503: down"."""
    answer = _answered(reason)
    text = " ".join(_spoken(answer[2] or "").split()) if answer else ""
    return f"{text} ({answer[1]})" if answer and text else " ".join(reason.split())


def _spoken(text: str) -> str:
    """What an answer says for people, where it's an object that has a word for that; else all of it."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    for _ in range(2):  # `{"error": {"message": ...}}` too
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in _SPEAKING if value.get(key)), None)
    return value if isinstance(value, str) else text


def normal(reason: str) -> str:
    """A reason without what differs from run to run: ids, numbers, addresses, all of URLs but their host.

    The status of an answer stays.
    """
    answer = _answered(reason)
    status, text = (answer[1], _spoken(answer[2] or "")) if answer else ("", reason)
    text = _ADDRESS.sub("@", _URL.sub(r"\1", text.lower()))
    text = " ".join(_ROW.sub("#", _NUMBERED.sub("#", text)).split())
    return f"{status} {text}"[:MOST_REASON]
