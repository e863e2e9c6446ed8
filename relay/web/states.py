"""How a state looks: its word, its icon and its tone, always the three together."""

from __future__ import annotations

from dataclasses import dataclass

from relay.models import AttemptState, EventState, FlowState, IssueKind, IssueState, RunState, Why


@dataclass(frozen=True, slots=True)
class Look:
    word: str
    icon: str
    tone: str  # a class of relay.css: good, bad, warn, busy or nothing


RUNS = {
    RunState.QUEUED: Look("Queued", "queued", "busy"),
    RunState.RUNNING: Look("Running", "running", "busy"),
    RunState.WAITING: Look("Waiting", "clock", "warn"),
    RunState.HELD: Look("Held", "held", "warn"),
    RunState.FILTERED: Look("Filtered", "filter", ""),
    RunState.SUCCEEDED: Look("Succeeded", "done", "good"),
    RunState.PARTLY_FAILED: Look("Partly failed", "partly", "bad"),
    RunState.FAILED: Look("Failed", "failed", "bad"),
    RunState.CANCELLED: Look("Cancelled", "cancelled", ""),
}
FLOWS = {
    FlowState.DRAFT: Look("Draft", "draft", ""),
    FlowState.LIVE: Look("Live", "done", "good"),
    FlowState.PAUSED: Look("Paused", "held", "warn"),
}
STEPS = {
    "passed": Look("Passed", "done", "good"),
    "filtered": Look("Stopped here", "filter", ""),
    "set": Look("Set", "done", "good"),
    "branched": Look("Chosen", "done", "good"),
    "looped": Look("Gone through", "done", "good"),
    "waited": Look("Waited", "done", "good"),
    "gathered": Look("Gathered", "done", "good"),
    "joined": Look("Gathered by another run", "done", "good"),
    "responded": Look("Answered", "done", "good"),
    "succeeded": Look("Succeeded", "done", "good"),
    "failed": Look("Failed", "failed", "bad"),
    "waiting": Look("Waiting", "clock", "warn"),
    "cancelled": Look("Not finished", "cancelled", ""),
}
ATTEMPTS = {
    AttemptState.SUCCEEDED: Look("Succeeded", "done", "good"),
    AttemptState.RETRY: Look("Tried again later", "clock", "warn"),
    AttemptState.FAILED: Look("Failed", "failed", "bad"),
    AttemptState.UNKNOWN: Look("Unknown", "held", "warn"),
}
EVENTS = {
    EventState.ACCEPTED: Look("Accepted", "done", "good"),
    EventState.CAPTURED: Look("Captured", "draft", ""),
}
# Why a request was rejected.
WHYS = {
    Why.SIGNATURE: Look("Signature", "lock", "bad"),
    Why.METHOD: Look("Method", "webhook", "warn"),
    Why.SIZE: Look("Too large", "data", "warn"),
    Why.RATE: Look("Too many", "runs", "warn"),
    Why.ADDRESS: Look("Address", "globe", "bad"),
    Why.TIME: Look("Too slow", "clock", "warn"),
    Why.ENCODING: Look("Compressed", "data", "warn"),
    Why.LOOP: Look("Going in circles", "replay", "warn"),
    Why.HANDSHAKE: Look("Handshake", "done", "good"),
}
ISSUES = {
    IssueKind.FAILED: Look("Failed", "failed", "bad"),
    IssueKind.DESTINATION: Look("Held", "held", "warn"),
    IssueKind.CREDENTIAL: Look("Held", "lock", "warn"),
    IssueKind.KEY: Look("Held", "key", "warn"),
    IssueKind.UNKNOWN: Look("Unknown", "held", "warn"),
}
ISSUE_STATES = {
    IssueState.OPEN: Look("Open", "warning", "bad"),
    IssueState.RESOLVED: Look("Resolved", "done", "good"),
    IssueState.MUTED: Look("Muted", "mute", ""),
}
_LOOKS: dict[str, dict[str, Look]] = {
    "run": {str(key): look for key, look in RUNS.items()},
    "flow": {str(key): look for key, look in FLOWS.items()},
    "step": STEPS,
    "attempt": {str(key): look for key, look in ATTEMPTS.items()},
    "event": {str(key): look for key, look in EVENTS.items()},
    "issue": {str(key): look for key, look in ISSUES.items()},
    "issue-state": {str(key): look for key, look in ISSUE_STATES.items()},
    "why": {str(key): look for key, look in WHYS.items()},
}


def look(kind: str, state: str) -> Look:
    """The look of a state of a run, flow, step, attempt, event, rejection or issue; an unknown one by its word."""
    return _LOOKS[kind].get(str(state)) or Look(str(state).replace("_", " ").capitalize(), "info", "")
