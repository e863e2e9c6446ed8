"""A run through its steps: pure, no database, no network but through the sender it is given."""

from __future__ import annotations

from typing import Any

from relay.engine.deliver import Ended, deliver
from relay.engine.errand import Errand, Outcome, Sends, context_of
from relay.engine.gates import Gates
from relay.errors import RelayError
from relay.flows.plan import ActionStep, FilterStep, SetStep
from relay.templating import Budget

TITLE_LENGTH = 200


def walk(errand: Errand, sender: Sends, gates: Gates) -> Outcome:
    """Take the run from where its trail ends to its end, or to the action that must be tried again.

    Never raises for what a payload, a template or a destination does: that is the outcome.
    """
    outcome = Outcome(errand, trail=list(errand.trail))
    if errand.hopeless:
        _fail(outcome, errand.hopeless)
        return outcome
    try:
        Walk(errand, outcome, sender, gates).go()
    except Ended:
        pass
    except RelayError as error:
        _fail(outcome, str(error))
    if outcome.state == "succeeded" and any(entry["state"] == "failed" for entry in outcome.trail):
        outcome.state = "partly_failed"
    return outcome


def _fail(outcome: Outcome, reason: str) -> None:
    outcome.state, outcome.reason = "failed", reason


class Walk:
    """One walk under way: what `deliver` needs of it."""

    def __init__(self, errand: Errand, outcome: Outcome, sender: Sends, gates: Gates) -> None:
        self.errand = errand
        self.outcome = outcome
        self.sender = sender
        self.gates = gates
        self.tries = errand.tries
        self.settled = {entry["id"]: entry for entry in errand.trail}
        self.steps: dict[str, Any] = {}
        self.context: dict[str, Any] = {}

    def go(self) -> None:
        errand = self.errand
        self.context = context_of(errand, self.steps)
        self._title()
        if not self.settled and errand.plan.only is not None:
            self._only()
        for step in errand.plan.steps:
            entry = self.settled.get(step.id)
            if entry is None:
                with Budget():
                    self._step(step)
            else:
                self.steps[step.id] = entry.get("outputs", {})

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
        self.outcome.state = "filtered"
        self.outcome.reason = "The trigger's condition does not hold for this event"
        raise Ended

    def _step(self, step: FilterStep | SetStep | ActionStep) -> None:
        if isinstance(step, FilterStep):
            self._filter(step)
        elif isinstance(step, SetStep):
            self._set(step)
        else:
            deliver(self, step)

    def _filter(self, step: FilterStep) -> None:
        try:
            passes = step.condition.holds(self.context)
        except RelayError as error:
            self.failed(step, str(error))
        self.enter(step, "passed" if passes else "filtered")
        if not passes:
            self.outcome.state = "filtered"
            self.outcome.reason = f"Stopped at “{step.name}”: its condition does not hold"
            raise Ended

    def _set(self, step: SetStep) -> None:
        try:
            values = step.values.render(self.context)
        except RelayError as error:
            self.failed(step, str(error))
        self.enter(step, "set", values)

    def failed(self, step: Any, reason: str, outputs: dict[str, Any] | None = None) -> None:
        self.tries = 0
        keeps_on = isinstance(step, ActionStep) and step.on_error == "continue"
        self.enter(step, "failed", {**(outputs or {}), "error": reason} if keeps_on else None, error=reason)
        if keeps_on:
            return
        _fail(self.outcome, reason)
        raise Ended

    def enter(self, step: Any, state: str, outputs: dict[str, Any] | None = None, *, error: str = "") -> None:
        entry: dict[str, Any] = {"id": step.id, "kind": step.kind, "state": state}
        if outputs is not None:
            entry["outputs"] = outputs
            self.steps[step.id] = outputs
        if error:
            entry["error"] = error
        self.outcome.trail.append(entry)
