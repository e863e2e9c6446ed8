"""Replay: the same event, once more, as a new run."""

from __future__ import annotations

from relay import queues
from relay.engine import sql
from relay.models import Run, RunState, User


def again(run: Run, *, by: User | None = None) -> Run:
    """A new run from the start, of the same event through the version of then."""
    copy = Run.objects.create(
        workspace_id=run.workspace_id,
        flow_id=run.flow_id,
        version_id=run.version_id,
        event_id=run.event_id,
        replay_of_id=run.pk,
        state=RunState.QUEUED,
        due_at=sql.now(),
    )
    queues.ring()
    return copy
