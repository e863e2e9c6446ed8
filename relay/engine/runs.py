"""What a person does to one run: try now, cancel, release."""

from __future__ import annotations

from django.db.models import F

from relay import queues
from relay.engine import sql
from relay.errors import RelayError
from relay.models import Run, RunState


def try_now(run: Run) -> None:
    """Make the next try of a waiting run now, not later."""
    _move(run, (RunState.WAITING,), "Only a waiting run can be tried now", state=RunState.QUEUED, due_at=sql.now())
    queues.ring()


def release(run: Run) -> None:
    """Let a held run go."""
    _move(run, (RunState.HELD,), "Only a held run can be released", state=RunState.QUEUED, due_at=sql.now(), reason="")
    queues.ring()


def cancel(run: Run) -> None:
    """End a run that is not final; what it has sent is sent."""
    open_states = (RunState.QUEUED, RunState.WAITING, RunState.HELD, RunState.RUNNING)
    # The fence moves on, so a worker that has the run in hand changes nothing any more.
    change = {"state": RunState.CANCELLED, "due_at": None, "finished_at": sql.now(), "reason": "Cancelled by hand"}
    _move(run, open_states, "This run has ended already", fence=F("fence") + 1, **change)


def _move(run: Run, states: tuple[RunState, ...], otherwise: str, **change: object) -> None:
    if not Run.objects.filter(pk=run.pk, state__in=states).update(**change):
        raise RelayError(f"{otherwise}; it is {run.get_state_display().lower()}")
    run.refresh_from_db()
