"""Derives why a run failed or is held: a text in the service's words, and a mark that identical failures share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from relay import masking, redaction
from relay.connectors import response_rules
from relay.engine.walk.unknown_outcomes import UNKNOWN
from relay.engine.walk.work_item import Outcome
from relay.flows import nesting
from relay.flows.compiled_steps import ActionStep, PlanStep
from relay.models import IssueKind

# Characters, as in the model.
MAX_WORDS = 300
MAX_REASON = 2_000

_TEXT_KEYS = ("message", "error_description", "detail", "error", "title", "reason")
_COUNTED_STATES = frozenset({"failed", "partly_failed", "held", "waiting"})
_answered = re.compile(r"The answer was (\d{3})(?:: (.*))?", re.DOTALL).fullmatch
_redirected = re.compile(r"The answer was (3\d\d) (to .*)", re.DOTALL).fullmatch
_URL = re.compile(r"https?://([^\s/?#\"'<>]+)[^\s\"'<>]*")
_ADDRESS = re.compile(r"[^\s@\"'<>(]+@[^\s@\"'<>)]+")
# Numbers, dates and all words with a digit: ids, hashes, UUIDs, numbered names.
_NUMBERED = re.compile(r"[\w-]*\d[\w:.+-]*")
_ROW = re.compile(r"#(?:[\s,;]+#)+")


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Why a run failed. `step`: its id, "" before the first. `mark`: equal for identical failures of a flow."""

    flow_id: int
    step: str
    step_name: str
    kind: IssueKind
    words: str
    reason: str
    mark: str

    @property
    def issue_id(self) -> int:
        """63 bits of a digest, so that workers need no query to find the id."""
        parts = f"{self.flow_id}\n{self.step}\n{self.kind.value}\n{self.mark}"
        return int.from_bytes(hashlib.sha256(parts.encode()).digest()[:8], "big") >> 1

    def merged(self) -> FailureCause:
        """The common cause of further failures of its step, for a flow with too many issues."""
        words = f"Other failures at “{self.step_name}”" if self.step else "Other failures"
        return FailureCause(self.flow_id, self.step, self.step_name, self.kind, words[:MAX_WORDS], self.reason, "other")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What went wrong. `at`: the trail id of the step. `reason`: the text for people."""

    at: str
    kind: IssueKind
    reason: str


def cause_of(outcome: Outcome) -> FailureCause | None:
    """Why a run failed or is held; None if it is neither.

    A failed attempt that will be retried counts only in flows that alert on the first failure.
    """
    if outcome.state not in _COUNTED_STATES:
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
    if last is None or last.state != "retry" or outcome.work_item.plan.alerts_on != "first_failure":
        return None
    return _Fault(last.step, IssueKind.FAILED, outcome.reason)


def _failed_at(outcome: Outcome) -> str:
    """The step that made the run fail; "" if it exceeded a limit or failed before its first step."""
    failed = [entry for entry in outcome.trail if entry.state == "failed" and entry.error == outcome.reason]
    return failed[-1].id if failed else ""


def _passed_over(outcome: Outcome) -> _Fault | None:
    """The first failure without error steps that handled it."""
    for entry in outcome.trail:
        if entry.state == "failed":
            step = _step(outcome.work_item.plan.steps, entry.id)
            if not getattr(step, "error_steps", ()):
                return _Fault(entry.id, IssueKind.FAILED, entry.error or outcome.reason)
    return _Fault("", IssueKind.FAILED, outcome.reason)


def _cause(outcome: Outcome, fault: _Fault) -> FailureCause:
    step = _step(outcome.work_item.plan.steps, fault.at) if fault.at else None
    service = _service(outcome, step, fault.at) if isinstance(step, ActionStep) else ""
    reason = masking.mask(redaction.clean(fault.reason), outcome.hidden)
    words = _words(fault.kind, service, _in_its_words(step, reason))
    # Runs held for one destination are one issue, whatever their probes and attempts were answered.
    mark = f"{service}\n{normalized(reason)}" if fault.kind == IssueKind.FAILED else service
    return FailureCause(
        outcome.work_item.flow_id,
        nesting.base(fault.at),
        step.name[:200] if step is not None else "",
        fault.kind,
        words[:MAX_WORDS],
        reason[:MAX_REASON],
        mark,
    )


def _in_its_words(step: PlanStep | None, reason: str) -> str:
    """The reason as the service has said it, without its meaning."""
    return response_rules.without_meaning(step.action, reason) if isinstance(step, ActionStep) else reason


def _step(steps: Sequence[PlanStep], at: str) -> PlanStep | None:
    """The step of a plan to which the trail id belongs."""
    wanted = nesting.base(at)
    return next((step for step in _every(steps) if step.id == wanted), None)


def _every(steps: Sequence[PlanStep]) -> Iterator[PlanStep]:
    for step in steps:
        yield step
        arms: tuple[Any, ...] = getattr(step, "arms", ())
        for block in (*(arm.steps for arm in arms), getattr(step, "steps", ()), getattr(step, "error_steps", ())):
            yield from _every(block)


def _service(outcome: Outcome, step: ActionStep, at: str) -> str:
    """The name that people know: `Slack`, or the called host for a generic connector."""
    if step.connector.hosts or step.action.target == "inbox":
        return step.connector.label
    sent = next((tried.request for tried in reversed(outcome.attempts) if tried.step == at and tried.request), None)
    url = outcome.origin or (msgspec.json.decode(sent)["url"] if sent else "")
    return _host(url) or step.connector.label


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _words(kind: IssueKind, service: str, reason: str) -> str:
    """The cause as one line of a list."""
    if kind == IssueKind.UNKNOWN:
        text = reason.removesuffix(UNKNOWN).strip().rstrip(".")
        return f"{_service_says(service, text)}: nobody knows whether it was done" if text else _no_answer(service)
    said = reason.replace(f"{service} refused: ", "", 1)
    if kind == IssueKind.DESTINATION:
        return f"{service or 'A destination'} keeps failing: {_answer(said)}"
    if kind == IssueKind.CREDENTIAL:
        return f"{service or 'A service'} refuses the credential: {_answer(said)}"
    return _service_says(service, reason)


def _no_answer(service: str) -> str:
    return f"{service} gave no answer: nobody knows whether it was done"


def _service_says(service: str, reason: str) -> str:
    """`Slack says channel_not_found` of "The answer was 200: channel_not_found"."""
    if service and (redirect := _redirected(reason)):
        return f"{service} answers {redirect[1]} {redirect[2]}"
    answer = _answered(reason)
    if answer is None or not service:
        return " ".join(reason.split())
    status, text = answer[1], " ".join(_readable_text(answer[2] or "").split())
    if not text:
        return f"{service} answers {status}"
    return f"{service} says {text}" + ("" if status.startswith("2") else f" ({status})")


def _answer(reason: str) -> str:
    """`down (503)` of "The answer was 503: down"."""
    answer = _answered(reason)
    text = " ".join(_readable_text(answer[2] or "").split()) if answer else ""
    return f"{text} ({answer[1]})" if answer and text else " ".join(reason.split())


def _readable_text(text: str) -> str:
    """The text for people in a JSON answer, if it has one under a usual key; else the whole answer."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    for _ in range(2):  # `{"error": {"message": ...}}` too
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in _TEXT_KEYS if value.get(key)), None)
    return value if isinstance(value, str) else text


def normalized(reason: str) -> str:
    """A reason without the parts that differ between runs: ids, numbers, addresses, and URLs except their host.

    The status of an answer is kept.
    """
    answer = _answered(reason) or _redirected(reason)
    status, text = (answer[1], _readable_text(answer[2] or "")) if answer else ("", reason)
    text = _ADDRESS.sub("@", _URL.sub(r"\1", text.lower()))
    text = " ".join(_ROW.sub("#", _NUMBERED.sub("#", text)).split())
    return f"{status} {text}"[:MAX_REASON]
