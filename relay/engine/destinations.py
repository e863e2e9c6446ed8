"""Destinations that keep failing or refuse a credential: runs are held for them, probed and let out again."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import IntegrityError, models, transaction

from relay import queues
from relay.engine import sql
from relay.engine.gates import Place, Shut
from relay.models import Destination, DestinationState, HeldBy, Run, RunState, Workspace

log = structlog.get_logger()

FIRST_PROBE = 10.0  # seconds after a destination was found failing
LONGEST_PROBE = 600.0
LET_OUT_MOST = 2_000  # runs a second

_HELD_BY = {DestinationState.OPEN: HeldBy.DESTINATION, DestinationState.REFUSED: HeldBy.CREDENTIAL}


def shut() -> dict[Place, Shut]:
    """Destinations that runs are held for now, by their place."""
    rows = Destination.objects.filter(state__in=_HELD_BY).values_list(
        "id", "workspace_id", "origin", "connection", "state", "reason"
    )
    return {
        Place(workspace, origin, connection): Shut(pk, _HELD_BY[DestinationState(state)], reason)
        for pk, workspace, origin, connection, state, reason in rows
    }


def hold(place: Place, reason: str) -> int:
    """Open the breaker: hold runs for a place that keeps failing; the destination's id."""
    log.warning("destination.held", origin=place.origin, connection=place.connection, reason=reason)
    return _shut_down(place, DestinationState.OPEN, reason, probe_at=sql.now() + int(FIRST_PROBE * 1e6))


def refuse(place: Place, reason: str) -> int:
    """Hold runs of a connection whose credential is refused, until it is changed; the destination's id."""
    log.warning("destination.refused", connection=place.connection, reason=reason)
    return _shut_down(place._replace(origin=""), DestinationState.REFUSED, reason, probe_at=None)


def _shut_down(place: Place, state: DestinationState, reason: str, *, probe_at: int | None) -> int:
    change: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "since": sql.now(),
        "probe_at": probe_at,
        "letting_out": 0,
    }
    rows = Destination.objects.filter(**place._asdict())
    if not rows.exclude(state=state).update(**change) and not rows.exists():
        try:
            with transaction.atomic():
                return Destination.objects.create(**place._asdict(), **change).pk
        except IntegrityError:
            pass  # another worker was quicker
    return int(rows.values_list("pk", flat=True).get())


def probed(destination_id: int, *, answered: bool) -> None:
    """What a probe found: let the held runs out, or try again later, each time twice as late."""
    rows = Destination.objects.filter(pk=destination_id, state=DestinationState.OPEN)
    if answered:
        rows.update(state=DestinationState.CLOSING, letting_out=0, probes=0)
        return
    row = rows.first()
    if row is not None:
        delay = min(FIRST_PROBE * 2 ** (row.probes + 1), LONGEST_PROBE)
        rows.update(probes=models.F("probes") + 1, probe_at=sql.now() + int(delay * 1e6))


def credential_changed(workspace: Workspace, connection: str) -> None:
    """Let out what was held because a connection's credential was refused: it has been changed."""
    rows = workspace.destinations.filter(connection=connection, state=DestinationState.REFUSED)
    rows.update(state=DestinationState.CLOSING, letting_out=0)


def go_on() -> None:
    """One round of upkeep: send a probe to each failing destination whose time has come, let out a few more runs."""
    for row in Destination.objects.exclude(state=DestinationState.REFUSED):
        if row.state == DestinationState.CLOSING:
            _let_out(row)
        elif row.probe_at is None or sql.micros(row.probe_at) <= sql.now():
            _probe(row)
    _release_orphans()


def _release_orphans() -> None:
    """Runs that were being held just as the last of their destination's runs was let out and its row went."""
    orphans = Run.objects.filter(state=RunState.HELD, destination_id__isnull=False).exclude(
        destination_id__in=Destination.objects.values("pk")
    )
    _release(orphans)


def _release(held: models.QuerySet[Run]) -> None:
    held.update(state=RunState.QUEUED, due_at=sql.now(), held_by="", reason="", destination_id=None)


def _held(row: Destination) -> models.QuerySet[Run]:
    return Run.objects.filter(destination_id=row.pk, state=RunState.HELD).order_by("id")


def _probe(row: Destination) -> None:
    """Release one run; it keeps its destination's id, which lets it through the shut gate."""
    first = _held(row).values_list("pk", flat=True).first()
    if first is None:
        row.delete()
        return
    _held(row).filter(pk=first).order_by().update(state=RunState.QUEUED, due_at=sql.now(), held_by="")
    # Should the probe never get there (a filter stops it, its worker dies), another one is sent after a while.
    Destination.objects.filter(pk=row.pk).update(probe_at=sql.now() + int(LONGEST_PROBE * 1e6 / 10))
    queues.ring()


def _let_out(row: Destination) -> None:
    """Let out twice as many as a second ago; the row goes with the last of them."""
    count = min(max(1, row.letting_out * 2), LET_OUT_MOST)
    chosen = list(_held(row).values_list("pk", flat=True)[:count])
    if not chosen:
        row.delete()
        return
    _release(_held(row).filter(pk__in=chosen).order_by())
    Destination.objects.filter(pk=row.pk).update(letting_out=len(chosen))
    queues.ring()


def refused_connections(workspace: Workspace) -> dict[str, str]:
    """Connections whose credential is refused, with the service's words."""
    rows = workspace.destinations.filter(state=DestinationState.REFUSED)
    return dict(rows.values_list("connection", "reason"))
