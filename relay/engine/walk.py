"""A run through its steps: pure, no database, no network but through the sender it is given.

The trail of a run is its cursor: an entry for each step that is through, or that decided something. Walking again
passes by what is in it, with the outputs restored, and goes on where it ends. An entry is `{"id", "kind", "state"}`,
with `outputs` where the step gives some, `error` where it failed, and `since` (microseconds since 1970) while it waits
for some time. Its id is the step's, and in loops the places of the elements: `tell[2]`, `tell[2][0]`; so it is told
apart from all others of the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from relay.engine import splitting
from relay.engine.endings import Ended, Exhausted, Failed, Filtered
from relay.engine.errand import Errand, Outcome, Sends, context_of
from relay.engine.gates import Gates
from relay.engine.steps import GO_ON, LEAVES, NESTS
from relay.errors import RelayError
from relay.flows.plan import ActionStep, LoopStep, PlanStep
from relay.templating import Budget

TITLE_LENGTH = 200
MOST_NAMED = 5  # steps that a reason names
MOST_WALKED = 10_000  # steps of a run, each element's counted
# What a walk sends at most before it is settled, and for how many seconds it goes on sending.
MANY_SENT = 20
LONG = 1.0


def walk(errand: Errand, sender: Sends, gates: Gates) -> Outcome:
    """Take the run from where its trail ends to its end, or to where it must wait.

    Never raises for what a payload, a template or a destination does: that is the outcome.
    """
    outcome = Outcome(errand, trail=list(errand.trail))
    if errand.hopeless:
        _end(outcome, "failed", errand.hopeless)
        return outcome
    return finish(Walk(errand, outcome, sender, gates))


def finish(walk: Walk) -> Outcome:
    """Walk, and say in the outcome how it ended."""
    outcome = walk.outcome
    try:
        walk.go()
    except Ended:
        pass
    except Filtered as stop:
        _end(outcome, "filtered", stop.reason)
    except (Failed, Exhausted, RelayError) as error:
        _end(outcome, "failed", str(error))
    if outcome.state == "succeeded" and walk.failures:
        _tell(outcome, walk.failures)
    return outcome


def _tell(outcome: Outcome, failures: Mapping[str, bool]) -> None:
    """Of a run that went to its end past failures: what steps of their own took care of is no failure of the run."""
    passed_over = [name for name, is_handled in failures.items() if not is_handled]
    handled = [name for name, is_handled in failures.items() if is_handled]
    told = [f"{_listed(handled)} failed, and the error steps took over"] if handled else []
    if passed_over:
        outcome.state = "partly_failed"
        told.insert(0, f"{_listed(passed_over)} failed, and the run went on")
    outcome.reason = "; ".join(told)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def _end(outcome: Outcome, state: str, reason: str) -> None:
    outcome.state, outcome.reason = state, reason


class Walk:
    """One walk under way: what the kinds of steps need of it. `leaves`: what those without steps of their own do."""

    leaves: Mapping[str, Callable[[Any, Any], None]] = LEAVES

    def __init__(self, errand: Errand, outcome: Outcome, sender: Sends, gates: Gates) -> None:
        self.errand = errand
        self.outcome = outcome
        self.sender = sender
        self.gates = gates
        self.tries = errand.tries
        self.settled = {entry["id"]: entry for entry in errand.trail}
        self.steps: dict[str, Any] = {}
        self.context: dict[str, Any] = {}
        self.place = ""  # of the element under way, in all loops around: [2][0]
        # The names of steps that failed and were gone on behind; whether error steps took over.
        self.failures: dict[str, bool] = {}
        self.walked = 0
        self.sent = 0
        self.began = time.monotonic()

    @property
    def has_much_to_settle(self) -> bool:
        """Whether so much was sent that it is better kept before more is: a crash would repeat it."""
        if self.outcome.response is not None and self.errand.plan.waits:
            return True  # somebody waits for what is settled
        return self.sent >= MANY_SENT or (self.sent > 0 and time.monotonic() - self.began > LONG)

    def go(self) -> None:
        errand = self.errand
        self.context = context_of(errand, self.steps)
        if errand.plan.split is not None:
            with Budget():
                self.context |= splitting.names(errand.plan.split, self.context, errand.part)
        self._title()
        if not self.settled and errand.plan.only is not None:
            self._only()
        self.block(errand.plan.steps)

    def _title(self) -> None:
        title = self.errand.plan.title
        if title is None:
            return
        try:
            self.outcome.title = str(title.render(self.context))[:TITLE_LENGTH]
        except RelayError as error:
            self.outcome.title = f"({error})"[:TITLE_LENGTH]

    def _only(self) -> None:
        assert self.errand.plan.only is not None
        with Budget():
            if self.errand.plan.only.holds(self.context):
                return
        raise Filtered("The trigger's condition does not hold for this event")

    def block(self, steps: Sequence[PlanStep]) -> None:
        """Walk steps one after the other; Stopped when one lets nothing behind it run."""
        for step in steps:
            self.walked += 1
            if self.walked > MOST_WALKED:
                raise Exhausted(f"This run would walk more than {MOST_WALKED} steps: loop through less")
            if step.nests:
                NESTS[step.kind](self, step)
            else:
                self._leaf(step)

    def _leaf(self, step: Any) -> None:
        try:
            entry = self.passed(step)
            if entry is None:
                with Budget():
                    self.leaves[step.kind](self, step)
            elif entry["state"] in ("waiting", "gathered"):
                GO_ON[step.kind](self, step, entry)
        except Failed:
            if step.kind != "action" or step.on_error == "stop":
                raise
            self.after_failure(step)

    def after_failure(self, step: ActionStep | LoopStep) -> None:
        """Go on behind a step that failed, through its error steps where it has some."""
        self.failures[step.name] = bool(step.error_steps) and self.failures.get(step.name, True)
        self.block(step.error_steps)

    def passed(self, step: PlanStep) -> dict[str, Any] | None:
        """The entry of a step that has been walked before, its outputs in force again; None for a new one."""
        entry = self.settled.get(step.id + self.place)
        if entry is None:
            return None
        self.steps[step.id] = entry.get("outputs", {})
        if entry["state"] == "failed":
            raise Failed(entry.get("error", ""))
        if entry["state"] == "filtered":
            raise Filtered(self.outcome.reason)
        return entry

    def replace(self, entry: dict[str, Any], **change: Any) -> None:
        """Write an entry of the trail anew, its wait over; the errand keeps the one that it came with."""
        trail = self.outcome.trail
        kept = {key: value for key, value in entry.items() if key != "since"}
        trail[next(place for place, one in enumerate(trail) if one is entry)] = {**kept, **change}

    def failed(self, step: PlanStep, reason: str, outputs: dict[str, Any] | None = None, **more: Any) -> NoReturn:
        """Enter a step as failed. What comes of it is for the block it is in to say."""
        self.tries = 0
        goes_on = isinstance(step, ActionStep | LoopStep) and step.on_error != "stop"
        self.enter(step, "failed", {**(outputs or {}), "error": reason} if goes_on else None, error=reason, **more)
        raise Failed(reason)

    def enter(
        self, step: PlanStep, state: str, outputs: dict[str, Any] | None = None, *, error: str = "", **more: Any
    ) -> None:
        """Put a step into the trail: it's through, and walked no more."""
        entry: dict[str, Any] = {"id": step.id + self.place, "kind": step.kind, "state": state, **more}
        if outputs is not None:
            entry["outputs"] = outputs
            self.steps[step.id] = outputs
        if error:
            entry["error"] = error
        self.outcome.trail.append(entry)
