"""What a walk is given and what it gives back: plain values, loaded and stored by `work` and `settle`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay import ids
from relay.engine.arrived import Arrived, event_context
from relay.engine.asks import Ask
from relay.engine.gates import Place
from relay.engine.variables import NONE as NO_VARIABLES
from relay.engine.variables import Variables
from relay.flows.plan import Plan
from relay.outbound import Answer, Request


class Sealed(Protocol):
    """A connection of the workspace: opened only for the call that needs it. `rate`: requests at most, as 30/m."""

    @property
    def rate(self) -> str: ...

    def unseal(self) -> dict[str, Any]: ...


class Sends(Protocol):
    """What carries a request: `outbound.Sender` in a worker, a recorder in a dry run."""

    def send(self, request: Request, timeout: float | None = None) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Errand:
    """All that a walk needs, loaded before it starts. `hopeless`: why it can't even start."""

    run_id: int
    fence: int
    tries: int
    trail: list[dict[str, Any]]
    event: Arrived
    plan: Plan
    workspace_id: int
    flow_id: int
    flow_name: str
    connections: Mapping[str, Sealed]
    hopeless: str = ""
    # The destination that this run is the probe of.
    probe_of: int | None = None
    # The action that must not be done twice and was marked as about to be sent, and under which fence it may be;
    # a fence below 0 says how often the service was asked, see doubts.
    marked_step: str = ""
    marked_fence: int | None = None
    variables: Variables = NO_VARIABLES
    # Which element of an event that was split, from 1.
    part: int | None = None
    # Of flows that keep an order.
    order_key: str | None = None
    # Of dates and times that name none.
    zone: str = "UTC"
    # What digests have gathered, by their entries' ids.
    gathered: Mapping[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt, as it will be stored: request and answer masked, as JSON text."""

    step: str
    number: int
    state: str
    started_at: int
    duration_us: int
    request: str | None
    answer: str | None
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Post:
    """A message for the built-in inbox; it is written with the outcome, so exactly once."""

    channel: str
    title: str
    text: str


@dataclass(slots=True)
class Outcome:
    """What became of a walk. `due_at` is None when the run is final or held, unless a service is asked about it then;
    `secrets` may not be stored.

    `refused`: the place that refused its credential; `locked`: that of the secret whose key is lost. `probe_answered`:
    what a probe found, None where there was none. `response`: status, headers and body that a step answers to the
    caller that waits; the last one counts. `held_at`: the step that is held, with its place in loops; `origin`:
    where it was to go.
    """

    errand: Errand
    state: str = "succeeded"
    due_at: int | None = None
    tries: int = 0
    reason: str = ""
    title: str = ""
    trail: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[Tried] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    held_by: str = ""
    held_at: str = ""
    origin: str = ""
    destination_id: int | None = None
    refused: Place | None = None
    locked: Place | None = None
    probe_answered: bool | None = None
    marked_step: str = ""
    marked_fence: int | None = None
    response: dict[str, Any] | None = None
    ask: Ask | None = None

    @property
    def probe_of(self) -> int | None:
        """The destination that the run tries; with its first answer it is no probe any more, wherever it sends then."""
        return self.errand.probe_of if self.probe_answered is None else None

    @property
    def is_final(self) -> bool:
        return self.due_at is None and self.state != "held"


def context_of(errand: Errand, steps: dict[str, Any]) -> dict[str, Any]:
    """The names that every template of a run sees; `steps` is filled as the walk goes on."""
    return {
        "event": event_context(errand.event),
        "steps": steps,
        "vars": errand.variables.plain,
        "constants": errand.plan.constants,
        "flow": {"name": errand.flow_name},
        "run": {"id": ids.text(errand.run_id)},
    }
