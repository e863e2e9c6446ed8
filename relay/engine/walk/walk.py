"""Walks a run through its steps: without the database, and with the network only through the given sender.

The trail of a run is its checkpoint: it has an entry for each step that is done or has decided something. A later walk
skips these steps, restores their outputs and continues where the trail ends. `trail_entry` says what an entry has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

from msgspec import structs

from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake import splitting
from relay.engine.walk import cpu_clock, size_limits, trails
from relay.engine.walk.cpu_clock import CpuAllowance
from relay.engine.walk.exceptions import Ended, Exhausted, Failed, Filtered
from relay.engine.walk.files import run_files
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import Outcome, Sends, WorkItem, template_context
from relay.errors import RelayError
from relay.flows.compiler import ActionStep, LoopStep, PlanStep
from relay.outbound import Answer, FilePart, Request
from relay.templating import Budget

MAX_TITLE_CHARACTERS = 200
MAX_STEPS = 10_000  # of a run; in a loop, those of every element count
# How many requests a walk sends, and for how many seconds it keeps sending, before it is settled.
MAX_SENT = 20
MAX_SENDING_SECONDS = 1.0


class Loops(Protocol):
    """A loop that is being walked. It names its element in the context only when a step may use it."""

    is_bound: bool

    def bind(self) -> None: ...


class Handlers(NamedTuple):
    """The functions that walk a step, by the kind of step.

    `leaves`: steps without inner steps; each adds its entry to the trail, or ends the walk. `resumed`: steps at which
    the run waited, called with their entry when it continues. `nests`: steps with inner steps, which they walk.
    """

    leaves: Mapping[str, Callable[[Any, Any], None]]
    resumed: Mapping[str, Callable[[Any, Any, TrailEntry], None]]
    nests: Mapping[str, Callable[[Any, Any], None]]


class Walk:
    """The state of one walk, and the operations that the kinds of steps share."""

    def __init__(
        self,
        work_item: WorkItem,
        outcome: Outcome,
        sender: Sends,
        limiter: Limiter,
        handlers: Handlers,
        allowance: CpuAllowance | None = None,
    ) -> None:
        self.work_item = work_item
        self.handlers = handlers
        self.allowance = allowance or CpuAllowance()
        self.outcome = outcome
        self.sender = sender
        self.limiter = limiter
        self.tries = work_item.tries
        self.former_entries = {entry.id: entry for entry in work_item.trail}
        self.steps: dict[str, Any] = {}
        self.context: dict[str, Any] = {}
        self.runs_of_event = 1  # runs that the event became
        self.width = 1  # product of the element counts of the enclosing loops
        self.loop_suffix = ""  # indexes of the current element in the enclosing loops: [2][0]
        self.loops: list[Loops] = []  # enclosing the current step, the outermost first
        # Names of failed steps after which the run continued, each with whether its error steps handled it.
        self.failures: dict[str, bool] = {}
        self.step_count = 0
        self.sent_count = 0
        # Bytes: the trail; attempts not settled yet; all stored attempts of the run.
        self.trail_bytes = work_item.trail_size
        self.unsettled_bytes = 0
        self.attempt_bytes = sum(entry.kept for entry in work_item.trail)
        self.started = time.monotonic()

    @property
    def has_much_to_settle(self) -> bool:
        """Whether to settle before sending more, because a crash would repeat what was sent since the last settle."""
        if self.outcome.response is not None and self.work_item.plan.waits:
            return True  # the caller gets the response when the run is settled
        if self.unsettled_bytes > size_limits.MAX_UNSETTLED_BYTES:
            return True
        return self.sent_count >= MAX_SENT or (
            self.sent_count > 0 and time.monotonic() - self.started > MAX_SENDING_SECONDS
        )

    def check_turn(self) -> None:
        """End the walk if the run must stop or give way; call it before a step computes anything.

        A walk that has added no entry yet is not put back, so that each turn takes its run further.
        """
        if self.work_item.stop.is_set:
            self.put_back()
        if self.allowance.is_over:
            self._check_whole_run()
            if len(self.outcome.trail) > len(self.work_item.trail):
                self.put_back()
        for loop in self.loops:
            loop.bind()

    def _check_whole_run(self) -> None:
        used = cpu_clock.spent(self.work_item.trail) + self.allowance.used
        if used > cpu_clock.WHOLE_RUN and not self.work_item.marked_step:
            raise Exhausted(
                f"This run has computed for more than {cpu_clock.WHOLE_RUN:.0f} seconds: loop through less, "
                "or do less for each element"
            )

    def put_back(self, seconds: float = 0.0) -> NoReturn:
        """End the walk and make its run due again after `seconds`; this does not count as a try."""
        self.outcome.put_back(tries=self.tries, seconds=seconds)
        raise Ended

    def send(self, request: Request, timeout: float | None) -> Answer:
        """Send a request. Other walks may compute meanwhile."""
        self.allowance.slot.pause()
        try:
            return self.sender.send(request, timeout)
        finally:
            self.allowance.slot.resume()

    def open_file(self, record: Mapping[str, Any]) -> FilePart:
        """The bytes of a file of the run, to be sent. Raises RelayError."""
        return run_files.part(record, self.work_item, self.outcome)

    def read_file(self, record: Mapping[str, Any]) -> bytes:
        """All bytes of a file of the run. Raises RelayError."""
        return b"".join(self.open_file(record).open())

    def run(self) -> None:
        """Walk all steps that are not in the trail yet."""
        work_item = self.work_item
        if work_item.trail:
            self._check_whole_run()
        self.context = template_context(work_item, self.steps)
        if work_item.plan.split is not None:
            with Budget():
                self.context |= splitting.element_context(
                    work_item.plan.split, self.context, work_item.part, work_item.event.budget
                )
            self.runs_of_event = self.context["loop"]["length"]
        self._render_title()
        if not self.former_entries and work_item.plan.only is not None:
            self._check_condition()
        self.block(work_item.plan.steps)

    def _render_title(self) -> None:
        title = self.work_item.plan.title
        if title is None:
            return
        try:
            self.outcome.title = str(title.render(self.context))[:MAX_TITLE_CHARACTERS]
        except RelayError as error:
            self.outcome.title = f"({error})"[:MAX_TITLE_CHARACTERS]

    def _check_condition(self) -> None:
        assert self.work_item.plan.only is not None
        with Budget():
            if self.work_item.plan.only.holds(self.context):
                return
        raise Filtered("The trigger's condition does not hold for this event")

    def block(self, steps: Sequence[PlanStep]) -> None:
        """Walk steps in order. Raises Stopped if one of them ends the block."""
        for step in steps:
            self.step_count += 1
            if self.step_count > MAX_STEPS:
                raise Exhausted(f"This run would walk more than {MAX_STEPS} steps: loop through less")
            if step.nests:
                self.handlers.nests[step.kind](self, step)
            else:
                self._walk_leaf(step)

    def _walk_leaf(self, step: Any) -> None:
        try:
            entry = self.restore(step)
            if entry is None:
                self.check_turn()
                with Budget():
                    self.handlers.leaves[step.kind](self, step)
            elif entry.state in ("waiting", "gathered"):
                self.check_turn()
                self.handlers.resumed[step.kind](self, step, entry)
        except Failed:
            if step.kind != "action" or step.on_error == "stop":
                raise
            self.after_failure(step)

    def after_failure(self, step: ActionStep | LoopStep) -> None:
        """Continue after a failed step, with its error steps if it has any."""
        self.failures[step.name] = bool(step.error_steps) and self.failures.get(step.name, True)
        self.block(step.error_steps)

    def restore(self, step: PlanStep) -> TrailEntry | None:
        """The entry of a step that was walked before, with its outputs restored; None for a new step.

        Raises Failed or Filtered if the step ended that way.
        """
        entry = self.former_entries.get(step.id + self.loop_suffix)
        if entry is None:
            return None
        self.steps[step.id] = {} if entry.outputs is None else entry.outputs
        if entry.state == "failed":
            raise Failed(entry.error)
        if entry.state == "filtered":
            raise Filtered(self.outcome.reason)
        return entry

    def replace(self, entry: TrailEntry, **change: Any) -> None:
        """Replace an entry of the trail when its wait is over; the work item keeps the old entry."""
        trail = self.outcome.trail
        place = next(index for index, other in enumerate(trail) if other is entry)
        trail[place] = structs.replace(entry, since=None, **change)

    def fail(self, step: PlanStep, reason: str, outputs: dict[str, Any] | None = None, **more: Any) -> NoReturn:
        """Add a failed entry and raise Failed; the enclosing block decides how the run continues."""
        self.tries = 0
        continues = isinstance(step, ActionStep | LoopStep) and step.on_error != "stop"
        self.enter(step, "failed", {**(outputs or {}), "error": reason} if continues else None, error=reason, **more)
        raise Failed(reason)

    def enter(
        self, step: PlanStep, state: str, outputs: dict[str, Any] | None = None, *, error: str = "", **more: Any
    ) -> None:
        """Add the entry of a step to the trail; the step is not walked again."""
        entry = TrailEntry(
            id=step.id + self.loop_suffix, kind=step.kind, state=state, outputs=outputs, error=error, **more
        )
        if outputs is not None:
            self.steps[step.id] = outputs
        self.trail_bytes += size_limits.json_bytes(trails.stored_entry(entry, self.work_item.plan))
        if self.trail_bytes > size_limits.MAX_TRAIL_BYTES:
            self._overflow(entry)
        self.outcome.trail.append(entry)

    def enter_call(self, entry: TrailEntry) -> None:
        """Add the entry of a call that an action makes before its own request."""
        self.trail_bytes += size_limits.json_bytes(entry)
        if self.trail_bytes > size_limits.MAX_TRAIL_BYTES:
            self._overflow(entry)
        self.outcome.trail.append(entry)

    def shorten_calls(self, entry_id: str) -> None:
        """Remove the outputs of an action's calls, which are the last entries, once no request needs them."""
        trail = self.outcome.trail
        for place in range(len(trail) - 1, -1, -1):
            entry = trail[place]
            if entry.kind != "call" or not entry.id.startswith(f"{entry_id}."):
                return
            trail[place] = trails.without_outputs(entry)
            self.trail_bytes -= size_limits.json_bytes(entry) - size_limits.json_bytes(trail[place])

    def _overflow(self, entry: TrailEntry) -> NoReturn:
        """End a run whose trail is too large; the entry of a request is kept, without the answer's outputs."""
        if entry.kind in ("action", "call"):
            self.outcome.trail.append(trails.without_outputs(entry))
        limit = size_limits.MAX_TRAIL_BYTES >> 20
        raise Exhausted(f"What the steps of this run keep would take more than {limit} MiB: keep less in their values")
