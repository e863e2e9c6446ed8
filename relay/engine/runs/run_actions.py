"""The actions of people on runs: try now, release, decide an unknown outcome, give up, cancel.

`RUN_ACTIONS` is the one list of them. Buttons, the API's routes, commands and bulk actions are derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
from django.db.models import F, Q

from relay import queues
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.intake import ordering
from relay.engine.walk.trail_entry import TrailEntry
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import HeldBy, Role, Run, RunState

OPEN = (RunState.QUEUED, RunState.WAITING, RunState.HELD, RunState.RUNNING)
ROLE = Role.EDITOR  # the least role that may act on runs

# The fields of a run that is queued again, whatever held it.
QUEUED_FIELDS: dict[str, Any] = {
    "state": RunState.QUEUED,
    "reason": "",
    "held_by": "",
    "destination_id": None,
    "marked_step": "",
    "marked_fence": None,
    "suspicion": 0,
}


@dataclass(frozen=True, slots=True)
class RunAction:
    """One action. `key` is its name in URLs, forms and commands, `past` in the audit log.

    Its button says `verb` and `particle` ("Try", "now"), and a run on which it acted is `done`. It applies to runs in
    `states`, and `refusal` is the reason for others. `outcome`: whether that of the run's last action must be known or
    unknown; None: either. `change` gives the new fields of its runs. `bulk`: which of its runs it changes when it acts
    on many; None: it acts on one at a time.
    """

    do_not_call_in_templates: ClassVar[bool] = True

    key: str
    verb: str
    done: str
    past: str
    summary: str
    states: tuple[RunState, ...]
    refusal: str
    change: Callable[[], dict[str, Any]]
    particle: str = ""
    outcome: bool | None = None
    bulk: Q | None = field(default=None)

    @property
    def label(self) -> str:
        return f"{self.verb} {self.particle}".rstrip()

    @property
    def in_bulk(self) -> Q:
        """The runs that a bulk action changes. RelayError if it is no bulk action."""
        if self.bulk is None:
            raise RelayError(f"{self.label}: decide each run individually")
        return Q(state__in=self.states) & self.bulk

    def is_for(self, run: Run) -> bool:
        """Whether it can act on a run."""
        is_known = run.held_by != HeldBy.UNKNOWN
        return run.state in self.states and (self.outcome is None or self.outcome == is_known)

    def __call__(self, run: Run) -> None:
        """Act on one run; RelayError if it isn't in the right state."""
        act(run, self)


def _due_now() -> dict[str, Any]:
    return {"state": RunState.QUEUED, "due_at": statements.now()}


def _queued_now() -> dict[str, Any]:
    return {**QUEUED_FIELDS, "due_at": statements.now()}


def ended_fields(state: RunState, reason: str) -> dict[str, Any]:
    """The fields of a run that a person ends."""
    # The fence increases, so that the worker which has the run can't change it any more.
    fields = {
        "state": state,
        "reason": reason,
        "due_at": None,
        "finished_at": statements.now(),
        "fence": F("fence") + 1,
    }
    return {**fields, "held_by": "", "destination_id": None}


_ANY, _KNOWN = Q(), ~Q(held_by=HeldBy.UNKNOWN)  # runs with an unknown outcome are decided one by one
was_done = RunAction(
    key="it-was-done",
    verb="It was done",
    done="marked as done",
    past="was_done",
    summary="Treat an action with an unknown outcome as done, without outputs, and continue after it.",
    states=(RunState.HELD,),
    refusal="This has been decided already",
    change=_queued_now,
    outcome=False,
)
send_again = RunAction(
    key="send-again",
    verb="Send again",
    done="being sent again",
    past="sent_again",
    summary="Repeat an action with an unknown outcome.",
    states=(RunState.HELD,),
    refusal="This has been decided already",
    change=_queued_now,
    outcome=False,
)
try_now = RunAction(
    key="try-now",
    verb="Try",
    particle="now",
    done="being tried now",
    past="tried_now",
    summary="Make the next attempt of a waiting run now.",
    states=(RunState.WAITING,),
    refusal="Only a waiting run can be tried now",
    change=_due_now,
    bulk=_ANY,
)
release = RunAction(
    key="release",
    verb="Release",
    done="released",
    past="released",
    summary="Release a held run.",
    states=(RunState.HELD,),
    refusal="Only a held run can be released",
    change=_queued_now,
    outcome=True,
    bulk=_KNOWN,
)
give_up = RunAction(
    key="give-up",
    verb="Stop trying",
    done="marked as failed",
    past="given_up",
    summary="Stop trying a waiting or held run, and mark it as failed; it can be replayed.",
    states=(RunState.WAITING, RunState.HELD),
    refusal="Only a run that waits or is held can be marked as failed",
    change=lambda: ended_fields(RunState.FAILED, "Marked as failed by hand"),
    bulk=_KNOWN,
)
cancel = RunAction(
    key="cancel",
    verb="Cancel",
    done="cancelled",
    past="cancelled",
    summary="Send nothing more for a run that has not ended; requests that were sent are not undone.",
    states=OPEN,
    refusal="This run has ended already",
    change=lambda: ended_fields(RunState.CANCELLED, "Cancelled by hand"),
    bulk=_ANY,
)
# In the order of their buttons.
RUN_ACTIONS: Mapping[str, RunAction] = {
    action.key: action for action in (was_done, send_again, try_now, release, give_up, cancel)
}
BULK_ACTIONS: Mapping[str, RunAction] = {key: action for key, action in RUN_ACTIONS.items() if action.bulk is not None}


def possible_actions(run: Run) -> list[RunAction]:
    """The actions that can act on a run now."""
    return [action for action in RUN_ACTIONS.values() if action.is_for(run)]


def act(run: Run, action: RunAction) -> None:
    """Act on one run; RelayError if it isn't in the right state."""
    _check_outcome(run, action)
    change, note = action.change(), ""
    if action is was_done:
        step = _marked_step(run)
        kind = "call" if nesting.call_key(step) else "action"
        entry = TrailEntry(id=step, kind=kind, state="succeeded", outputs={}, by_hand=True, repeatable=kind == "action")
        change, note = {**change, "trail": [*run.steps, msgspec.to_builtins(entry)]}, f"Step {step}"
    if not Run.objects.filter(pk=run.pk, state__in=action.states).update(**change):
        raise RelayError(f"{action.refusal}; it is {run.get_state_display().lower()}")
    run.refresh_from_db()
    audit.note(run.workspace_id, f"run.{action.past}", run.title or run.ref, ref=run.ref, change=note)
    if run.is_final:
        ordering.advance([(run.flow_id, run.order_key)])
    queues.wake_worker()


def _check_outcome(run: Run, action: RunAction) -> None:
    is_known = run.held_by != HeldBy.UNKNOWN
    if action.outcome is True and not is_known:
        raise RelayError("The outcome of this run's action is unknown: choose “Send again” or “It was done”")
    if action.outcome is False and is_known:
        raise RelayError("The outcome of this run's action is known")


def _marked_step(run: Run) -> str:
    """The step whose outcome is unknown."""
    return run.marked_step or next((attempt.step for attempt in run.attempts.order_by("-id")[:1]), "")
