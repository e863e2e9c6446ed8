"""What a person does to runs: try now, release, cancel, give up."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from relay import queues
from relay.engine import audit, order, sql
from relay.errors import RelayError
from relay.models import HeldBy, Run, RunState

OPEN = (RunState.QUEUED, RunState.WAITING, RunState.HELD, RunState.RUNNING)


# A run among the due, whatever held it before.
QUEUED: dict[str, Any] = {
    "state": RunState.QUEUED,
    "reason": "",
    "held_by": "",
    "destination_id": None,
    "marked_step": "",
    "marked_fence": None,
}


def try_now(run: Run) -> None:
    """Make the next try of a waiting run now, not later."""
    _move(run, (RunState.WAITING,), "Only a waiting run can be tried now", state=RunState.QUEUED, due_at=sql.now())
    _note(run, "run.tried_now")
    queues.ring()


def release(run: Run) -> None:
    """Let a held run go, unless nobody knows whether its action was done: that has to be decided."""
    if run.held_by == HeldBy.UNKNOWN:
        raise RelayError("Nobody knows whether this run's action was done: choose “Send again” or “It was done”")
    _move(run, (RunState.HELD,), "Only a held run can be released", **QUEUED, due_at=sql.now())
    _note(run, "run.released")
    queues.ring()


def send_again(run: Run) -> None:
    """Do an action once more of which nobody knows whether it was done."""
    _decide(run)
    _note(run, "run.sent_again")
    queues.ring()


def was_done(run: Run) -> None:
    """Take an action as done of which nobody knew, and go on behind it; it has no outputs."""
    step = run.marked_step or next((one.step for one in run.attempts.order_by("-id")[:1]), "")
    entry = {"id": step, "kind": "action", "state": "succeeded", "outputs": {}, "by_hand": True}
    _decide(run, trail=[*run.steps, entry])
    _note(run, "run.was_done", f"Step {step}")
    queues.ring()


def _decide(run: Run, **change: Any) -> None:
    if run.held_by != HeldBy.UNKNOWN:
        raise RelayError("It is known what became of this run's action")
    _move(run, (RunState.HELD,), "This has been decided already", **QUEUED, due_at=sql.now(), **change)


def cancel(run: Run) -> None:
    """End a run that is not final; what it has sent is sent."""
    _move(run, OPEN, "This run has ended already", **end(RunState.CANCELLED, "Cancelled by hand"))
    _note(run, "run.cancelled")
    order.advance([(run.flow_id, run.order_key)])
    queues.ring()


def give_up(run: Run) -> None:
    """Call a run that waits or is held failed; it can be replayed like any other."""
    stuck = (RunState.WAITING, RunState.HELD)
    _move(run, stuck, "Only a run that waits or is held can be given up", **end(RunState.FAILED, "Given up by hand"))
    _note(run, "run.given_up")
    order.advance([(run.flow_id, run.order_key)])
    queues.ring()


def _note(run: Run, verb: str, change: str = "") -> None:
    audit.note(run.workspace_id, verb, run.title or run.ref, ref=run.ref, change=change)


def end(state: RunState, reason: str) -> dict[str, Any]:
    """How a run is ended by hand."""
    # The fence moves on, so a worker that has the run in hand changes nothing any more.
    end = {"state": state, "reason": reason, "due_at": None, "finished_at": sql.now(), "fence": F("fence") + 1}
    return {**end, "held_by": "", "destination_id": None}


def _move(run: Run, states: tuple[RunState, ...], otherwise: str, **change: object) -> None:
    if not Run.objects.filter(pk=run.pk, state__in=states).update(**change):
        raise RelayError(f"{otherwise}; it is {run.get_state_display().lower()}")
    run.refresh_from_db()
