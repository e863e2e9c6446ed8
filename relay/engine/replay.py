"""Replay: the same event, once more, as a new run."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import transaction

from relay import ids, payloads, queues
from relay.engine import audit, sql
from relay.engine.lineage import Ground
from relay.errors import RelayError
from relay.models import Event, EventState, ReplayMode, Run, User
from relay.models.fields import moment

log = structlog.get_logger()


def from_failed_step(run: Run, *, by: User | None = None) -> Run:
    """A new run of the same version that does only what failed: what went well is not done again.

    RelayError when nothing failed, the run still goes on, or what it needs is gone; so for all replays.
    """
    return _one(run, ReplayMode.FAILED_STEPS, by)


def from_start(run: Run, *, by: User | None = None) -> Run:
    """A new run of the same event through the version that is live today."""
    return _one(run, ReplayMode.FROM_START, by)


def as_it_was(run: Run, *, by: User | None = None) -> Run:
    """A new run of the same event, from the start, through the version of then."""
    return _one(run, ReplayMode.AS_IT_WAS, by)


MODES = {
    ReplayMode.FAILED_STEPS: from_failed_step,
    ReplayMode.FROM_START: from_start,
    ReplayMode.AS_IT_WAS: as_it_was,
}


def edited(run: Run, body: bytes, *, by: User | None = None) -> Run:
    """A new event like the run's but with another body, and its run through the version that is live today.

    PayloadError when the body is not what the event's content type says.
    """
    if len(body) > settings.MAX_BYTES:
        raise RelayError(f"A body may have {settings.MAX_BYTES} bytes; this one has {len(body)}")
    ground = Ground([run])
    copy = ground.copy(run, ReplayMode.FROM_START)
    former = Event.objects.get(pk=run.event_id)
    payloads.parse(body, former.content_type)
    event = _with_body(former, body)
    copy.event_id, copy.title, copy.order_key = event.pk, "", ground.order_key(event)
    with transaction.atomic():
        event.save(force_insert=True)
        copy.save(force_insert=True)
    return _started(copy, by)


def _with_body(event: Event, body: bytes) -> Event:
    """The event anew. Its length is told as it is now; a signature is left as it came."""
    length = {name: str(len(body)) for name in event.headers if name.lower() == "content-length"}
    return Event(
        id=ids.new(),
        workspace_id=event.workspace_id,
        flow_id=event.flow_id,
        state=EventState.ACCEPTED,
        received_at=moment(sql.now()),
        method=event.method,
        query=event.query,
        headers={**event.headers, **length},
        content_type=event.content_type,
        body=body,
        remote="edited",
    )


def many(runs: Sequence[Run], mode: ReplayMode, *, batch_id: int) -> tuple[int, int]:
    """Replay many inside the caller's transaction: how many were made, and how many can't be replayed."""
    ground = Ground(runs)
    copies = []
    for run in runs:
        try:
            copies.append(ground.copy(run, mode))
        except RelayError as error:
            log.info("replay.skipped", run=run.ref, batch=batch_id, reason=str(error))
    for copy in copies:
        copy.batch_id = batch_id
    Run.objects.bulk_create(copies)
    return len(copies), len(runs) - len(copies)


def _one(run: Run, mode: ReplayMode, by: User | None) -> Run:
    copy = Ground([run]).copy(run, mode)
    copy.save(force_insert=True)
    return _started(copy, by)


def _started(copy: Run, by: User | None) -> Run:
    log.info("replay", run=copy.ref, of=ids.text(copy.replay_of_id or 0), by=by and by.pk)
    former = ids.text(copy.replay_of_id or 0)
    audit.note(copy.workspace_id, "run.replayed", copy.title or former, ref=former, change=f"As run {copy.ref}")
    queues.ring()
    return copy
