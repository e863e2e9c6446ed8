"""Replays an event as a new run."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import transaction

from relay import ids, queues
from relay.bodies import payloads
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.runs.replay_plan import ReplayPlan, hold
from relay.errors import RelayError
from relay.models import Event, EventState, Flow, ReplayMode, Run, RunState, User
from relay.models.fields import moment

log = structlog.get_logger()

# CPU time that upkeep spends on the copies of one batch before it turns to the next.
COPY_SECONDS = 0.5


def from_failed_step(run: Run, *, by: User | None = None) -> Run:
    """Replay a run on the same version from what failed; steps that succeeded are not repeated.

    Like all replays, raises RelayError when the run has not ended or its event or version no longer exists; also when
    nothing failed.
    """
    return _replay(run, ReplayMode.FAILED_STEPS, by)


# After a fix, the version that is live now is the one to run; the page, the API and `relay replay` use it.
DEFAULT_MODE = ReplayMode.FROM_START


def from_start(run: Run, *, by: User | None = None) -> Run:
    """Replay a run from the start on the live version."""
    return _replay(run, ReplayMode.FROM_START, by)


def as_it_was(run: Run, *, by: User | None = None) -> Run:
    """Replay a run from the start on its original version."""
    return _replay(run, ReplayMode.AS_IT_WAS, by)


MODES = {
    ReplayMode.FAILED_STEPS: from_failed_step,
    ReplayMode.FROM_START: from_start,
    ReplayMode.AS_IT_WAS: as_it_was,
}


def build(run: Run, mode: ReplayMode) -> Run:
    """Build the run of a replay without storing it; RelayError when the run can't be replayed."""
    return ReplayPlan([run]).copy(run, mode)


def with_edited_body(run: Run, body: bytes, *, by: User | None = None) -> Run:
    """Store a copy of the run's event with another body, and run it on the live version.

    PayloadError when the body doesn't match the event's content type.
    """
    if len(body) > settings.MAX_BYTES:
        raise RelayError(f"A body may have {settings.MAX_BYTES} bytes; this one has {len(body)}")
    plan = ReplayPlan([run])
    copy = plan.copy(run, ReplayMode.FROM_START)
    former = Event.objects.get(pk=run.event_id)
    payloads.parse(body, former.content_type)
    event = _with_body(former, body)
    copy.event_id, copy.title, copy.order_key = event.pk, "", plan.order_key(event)
    with transaction.atomic():
        event.save(force_insert=True)
        copy.save(force_insert=True)
    return _announce(copy, by)


def _with_body(event: Event, body: bytes) -> Event:
    """A new event with this body. Content-Length is updated; a signature stays as it was received."""
    length = {name: str(len(body)) for name in event.headers if name.lower() == "content-length"}
    return Event(
        id=ids.new(),
        workspace_id=event.workspace_id,
        flow_id=event.flow_id,
        state=EventState.ACCEPTED,
        received_at=moment(statements.now()),
        method=event.method,
        query=event.query,
        headers={**event.headers, **length},
        content_type=event.content_type,
        body=body,
        remote="edited",
    )


def build_copies(runs: Sequence[Run], mode: ReplayMode, *, batch_id: int) -> tuple[list[Run], int]:
    """Build replays for as many of these runs as COPY_SECONDS allow: (unsaved replays, number of runs examined).

    Call this outside of a transaction, because it renders order keys. Runs that can't be replayed are left out.
    """
    plan, replays, examined = ReplayPlan(runs), [], 0
    ends = time.thread_time() + COPY_SECONDS
    for run in runs:
        examined += 1
        try:
            copy = plan.copy(run, mode)
            copy.batch_id = batch_id
            replays.append(copy)
        except RelayError as error:
            log.info("replay.skipped", run=run.ref, batch=batch_id, reason=str(error))
        if time.thread_time() > ends:
            break
    return replays, examined


def store(copies: Sequence[Run]) -> None:
    """Save replays in the caller's transaction; those of flows that are paused now are held."""
    flows = {copy.flow_id for copy in copies}
    paused = set(Flow.objects.filter(pk__in=flows, paused=True).values_list("pk", flat=True))
    for copy in copies:
        if copy.flow_id in paused:
            hold(copy)
        elif copy.state == RunState.HELD:
            copy.state, copy.held_by, copy.reason, copy.due_at = RunState.QUEUED, "", "", statements.now()
    Run.objects.bulk_create(copies)


def _replay(run: Run, mode: ReplayMode, by: User | None) -> Run:
    copy = build(run, mode)
    copy.save(force_insert=True)
    return _announce(copy, by)


def _announce(copy: Run, by: User | None) -> Run:
    log.info("replay", run=copy.ref, of=ids.text(copy.replay_of_id or 0), by=by and by.pk)
    former = ids.text(copy.replay_of_id or 0)
    audit.note(copy.workspace_id, "run.replayed", copy.title or former, ref=former, change=f"As run {copy.ref}")
    queues.wake_worker()
    return copy
