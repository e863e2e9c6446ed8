"""Defines what a walk gets and returns: plain values that `claim` loads and `settle` stores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import field

from relay import ids
from relay.engine.flow_control.limiter import SendTarget
from relay.engine.intake.event_data import EventData, event_context
from relay.engine.walk.state_requests import StateRequest
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.variables import NONE as NO_VARIABLES
from relay.engine.walk.variables import Variables
from relay.flows.compiler import Plan
from relay.masking import UNGUESSABLE
from relay.outbound import Answer, Request


class SealedConnection(Protocol):
    """A connection of the workspace, unsealed only for the request that needs it. `rate`: its limit, such as 30/m.

    `token_revision`: None unless it is an OAuthConnection.
    """

    @property
    def rate(self) -> str: ...
    @property
    def token_revision(self) -> int | None: ...

    def unseal(self) -> dict[str, Any]: ...


class OAuthConnection(SealedConnection, Protocol):
    """A connection by OAuth 2.0; see the columns of `relay.models.Connection`."""

    @property
    def pk(self) -> int: ...
    @property
    def token_expires_at(self) -> datetime | None: ...
    @property
    def renewing_until(self) -> datetime | None: ...
    @property
    def renewal_faults(self) -> int: ...
    @property
    def token_fault(self) -> str: ...


class TokenRenewal(msgspec.Struct, frozen=True):
    """A walk's request for a new access token. `revision`: of the token that it had; `is_refused`: by the service."""

    connection_id: int
    revision: int
    is_refused: bool = False


class Sends(Protocol):
    """Sends a request: `outbound.Sender` in a worker, a stand-in in a dry run."""

    def send(self, request: Request, timeout: float | None = None) -> Answer: ...


@dataclass(slots=True, eq=False)
class StopSignal:
    """Tells a walk to end because its run was cancelled, or its lease has ended."""

    is_set: bool = False


class WorkItem(msgspec.Struct, frozen=True):
    """Everything a walk needs, loaded before it starts. `unwalkable`: why the run can't be walked at all, else ""."""

    run_id: int
    fence: int
    tries: int
    trail: list[TrailEntry]
    event: EventData
    plan: Plan
    workspace_id: int
    flow_id: int
    flow_name: str
    connections: Mapping[str, SealedConnection]
    unwalkable: str = ""
    # The destination that this run is the probe of.
    probe_of: int | None = None
    # The non-repeatable action that was about to be sent, and the fence under which it may be sent; a fence below 0
    # counts the questions to the service, see unknown_outcomes.
    marked_step: str = ""
    marked_fence: int | None = None
    variables: Variables = NO_VARIABLES
    # Which element of a split event the run is for, from 1.
    part: int | None = None
    # Set for flows that keep an order.
    order_key: str | None = None
    # The time zone of dates and times that name none.
    zone: str = "UTC"
    # The items that digests have gathered, by the ids of their entries.
    gathered: Mapping[str, list[Any]] = field(default_factory=dict)
    stop: StopSignal = field(default_factory=StopSignal)
    # Bytes of body, trail and gathered items as they are stored.
    weight: int = 0
    trail_size: int = 0
    # Points for workers that ended while they had this run; see crash_suspects.
    suspicion: int = 0


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as it will be stored: request and answer are masked JSON text. `connection`: its name, or ""."""

    step: str
    number: int
    state: str
    started_at: int
    duration_us: int
    request: str | None
    answer: str | None
    status: int | None
    error: str
    connection: str = ""


class InboxPost(msgspec.Struct, frozen=True):
    """A message for the built-in inbox, stored together with the outcome and so exactly once."""

    channel: str
    title: str
    text: str


class Outcome(msgspec.Struct):
    """The result of a walk. `due_at` is None for a final or held run, unless a service is to be asked about it.

    `secrets`: secrets that were opened; `made`: texts that templates derived from them; `echoed`: those of both that a
    service repeated in an answer. None of them may be stored.

    `refused_target`: the target that refused its credential; `locked_target`: the one whose secret can't be opened;
    `failing_target`: the one that keeps giving no access token. `renewal`: the access token to be renewed.
    `probe_answered`: whether a probe got an answer, None if none was sent. `response`: status, headers and body for
    the waiting caller; the last respond step wins. `held_at`: the trail id of the step at which the run is held;
    `origin`: where its request was to go. `cpu`: CPU seconds that the walk used.
    """

    work_item: WorkItem
    state: str = "succeeded"
    due_at: int | None = None
    tries: int = 0
    reason: str = ""
    title: str = ""
    trail: list[TrailEntry] = field(default_factory=list)
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    posts: list[InboxPost] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    echoed: set[str] = field(default_factory=set)
    held_by: str = ""
    held_at: str = ""
    origin: str = ""
    destination_id: int | None = None
    refused_target: SendTarget | None = None
    locked_target: SendTarget | None = None
    failing_target: SendTarget | None = None
    renewal: TokenRenewal | None = None
    probe_answered: bool | None = None
    marked_step: str = ""
    marked_fence: int | None = None
    response: dict[str, Any] | None = None
    state_request: StateRequest | None = None
    cpu: float = 0.0
    suspicion: int = 0

    @property
    def hidden(self) -> tuple[str, ...]:
        """The secrets that are masked wherever they occur in stored values.

        A guessable secret that no service has repeated is left out: a mask would confirm a guess that somebody wrote
        into a template or an event.
        """
        if not self.secrets:
            return ()
        return tuple(text for text in self.secrets | self.made if len(text) >= UNGUESSABLE or text in self.echoed)

    @property
    def probe_of(self) -> int | None:
        """The destination that the run probes; after the first answer it is an ordinary run."""
        return self.work_item.probe_of if self.probe_answered is None else None

    @property
    def is_final(self) -> bool:
        return self.due_at is None and self.state != "held"

    def end(self, state: str, reason: str = "") -> None:
        """Make the run final: *succeeded*, *partly_failed*, *filtered* or *failed*."""
        self.state, self.reason, self.due_at = state, reason, None

    def fail(self, reason: str) -> None:
        self.end("failed", reason)

    def hold(
        self,
        held_by: str,
        reason: str,
        *,
        step: str,
        tries: int,
        due_at: int | None = None,
        destination_id: int | None = None,
    ) -> None:
        """Keep the run until somebody or something releases it.

        `step`: the trail id of the step at which it is held. `due_at`: when its service is asked about it.
        """
        self.state, self.held_by, self.reason = "held", held_by, reason
        self.held_at, self.tries = step, tries
        self.due_at, self.destination_id = due_at, destination_id

    def wait(self, until: int | None, reason: str, *, tries: int = 0) -> None:
        """Make the run due at `until`, in microseconds since 1970, and show people why it waits."""
        self.state, self.reason, self.due_at, self.tries = "waiting", reason, until, tries

    def put_back(self, *, tries: int, seconds: float = 0.0) -> None:
        """Make the run due again after `seconds`; it stays the probe of its destination."""
        self.state, self.reason, self.tries = "queued", "", tries
        self.due_at = time.time_ns() // 1000 + int(seconds * 1e6)
        self.destination_id = self.probe_of

    def make_due(self, now: int) -> None:
        """End the wait of a run that waits."""
        self.due_at = now

    def mark(self, step: str, fence: int | None) -> None:
        """Store that an action which must not be done twice is about to be sent, and under which fence it may be."""
        self.marked_step, self.marked_fence = step, fence

    def keep_mark(self) -> None:
        """Store the mark that the run was claimed with."""
        self.mark(self.work_item.marked_step, self.work_item.marked_fence)

    def withdraw(self) -> None:
        """Drop the answer to the caller and the request to step state: their steps are walked again."""
        self.response = self.state_request = None

    def resolve(
        self, entry_state: str, *, state: str = "queued", due_at: int | None, reason: str = "", **more: Any
    ) -> None:
        """Store how the state request was answered: the trail entry of its step, and how the run continues.

        It can be called again, where the transaction that settles the run is done again.
        """
        request = self.state_request
        assert request is not None
        outputs = next((entry.outputs for entry in self.trail if entry.id == request.entry), None)
        entry = TrailEntry(id=request.entry, kind=request.kind, state=entry_state, outputs=outputs, **more)
        self.trail = [*(other for other in self.trail if other.id != request.entry), entry]
        self.state, self.reason, self.due_at = state, reason, due_at


def failed_outcome(work_item: WorkItem, reason: str) -> Outcome:
    """The outcome of a run that failed without being walked further."""
    return Outcome(work_item, state="failed", reason=reason, trail=list(work_item.trail))


def template_context(work_item: WorkItem, steps: dict[str, Any]) -> dict[str, Any]:
    """The names that every template of a run sees; the walk adds outputs to `steps`."""
    return {
        "event": event_context(work_item.event),
        "steps": steps,
        "vars": work_item.variables.plain,
        "constants": work_item.plan.constants,
        "flow": {"name": work_item.flow_name},
        "run": {"id": ids.text(work_item.run_id)},
    }
