"""Defines the word, icon and tone of each state."""

from __future__ import annotations

from dataclasses import dataclass

from relay.engine.configuration.connection_state import ConnectionState
from relay.models import AttemptState, EventState, FlowState, IssueKind, IssueState, RunState, Why


@dataclass(frozen=True, slots=True)
class Look:
    word: str
    icon: str
    tone: str  # a class of components.css: good, bad, warn, busy or nothing


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
    "looped": Look("Looped", "done", "good"),
    "waited": Look("Waited", "done", "good"),
    "gathered": Look("Gathered", "done", "good"),
    "joined": Look("Gathered by another run", "done", "good"),
    "responded": Look("Answered", "done", "good"),
    "succeeded": Look("Succeeded", "done", "good"),
    "skipped": Look("Not needed", "done", ""),
    "failed": Look("Failed", "failed", "bad"),
    "waiting": Look("Waiting", "clock", "warn"),
    "cancelled": Look("Not finished", "cancelled", ""),
}
ATTEMPTS = {
    AttemptState.SUCCEEDED: Look("Succeeded", "done", "good"),
    AttemptState.RETRY: Look("Tried again later", "clock", "warn"),
    AttemptState.FAILED: Look("Failed", "failed", "bad"),
    # Of a try whose run is held until the credential is changed.
    "refused": Look("Credential refused", "lock", "bad"),
    AttemptState.UNKNOWN: Look("Unknown", "held", "warn"),
}
EVENTS = {
    EventState.ACCEPTED: Look("Accepted", "done", "good"),
    EventState.CAPTURED: Look("Captured", "draft", ""),
}
REJECTIONS = {
    Why.SIGNATURE: Look("Signature", "lock", "bad"),
    Why.METHOD: Look("Method", "webhook", "warn"),
    Why.SIZE: Look("Too large", "data", "warn"),
    Why.RATE: Look("Too many", "runs", "warn"),
    Why.ADDRESS: Look("Address", "globe", "bad"),
    Why.TIME: Look("Too slow", "clock", "warn"),
    Why.ENCODING: Look("Compressed", "data", "warn"),
    Why.LOOP: Look("Request loop", "replay", "warn"),
    Why.HANDSHAKE: Look("Handshake", "done", "good"),
}
ISSUES = {
    IssueKind.FAILED: Look("Failed", "failed", "bad"),
    IssueKind.DESTINATION: Look("Held", "held", "warn"),
    IssueKind.CREDENTIAL: Look("Held", "lock", "warn"),
    IssueKind.KEY: Look("Held", "key", "warn"),
    IssueKind.UNKNOWN: Look("Unknown", "held", "warn"),
    IssueKind.WORKER: Look("Held", "held", "bad"),
    IssueKind.WEBHOOK: Look("Webhook", "webhook", "bad"),
}
ISSUE_STATES = {
    IssueState.OPEN: Look("Open", "warning", "bad"),
    IssueState.RESOLVED: Look("Resolved", "done", "good"),
    IssueState.MUTED: Look("Muted", "mute", ""),
}
CONNECTIONS = {
    ConnectionState.WORKS: Look("Works", "done", "good"),
    ConnectionState.FAILS: Look("Test failed", "failed", "bad"),
    ConnectionState.REFUSED: Look("Refused", "failed", "bad"),
    ConnectionState.LOCKED: Look("Key lost", "key", "bad"),
    ConnectionState.UNTESTED: Look("Not tested", "info", ""),
}
_LOOKS: dict[str, dict[str, Look]] = {
    "run": {str(key): look for key, look in RUNS.items()},
    "flow": {str(key): look for key, look in FLOWS.items()},
    "step": STEPS,
    "attempt": {str(key): look for key, look in ATTEMPTS.items()},
    "event": {str(key): look for key, look in EVENTS.items()},
    "issue": {str(key): look for key, look in ISSUES.items()},
    "issue-state": {str(key): look for key, look in ISSUE_STATES.items()},
    "connection": {str(key): look for key, look in CONNECTIONS.items()},
    "why": {str(key): look for key, look in REJECTIONS.items()},
}


def look(kind: str, state: str) -> Look:
    """Return the look of a state. `kind`: a key of `_LOOKS`. An unknown state is shown as its own word."""
    return _LOOKS[kind].get(str(state)) or Look(str(state).replace("_", " ").capitalize(), "info", "")
