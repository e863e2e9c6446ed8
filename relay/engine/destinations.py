"""Destinations that keep failing or refuse a credential: runs are held for them, probed and let out again."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import IntegrityError, models, transaction

from relay import queues
from relay.engine import sql
from relay.engine.gates import Place, Shut
from relay.errors import KeyLost, VaultError
from relay.models import Connection, Destination, DestinationState, HeldBy, Run, RunState, Variable, Workspace

log = structlog.get_logger()

FIRST_PROBE = 10.0  # seconds after a destination was found failing
LONGEST_PROBE = 600.0
LET_OUT_MOST = 2_000  # runs a second

_LOGGED = {
    DestinationState.OPEN: "destination.held",
    DestinationState.REFUSED: "destination.refused",
    DestinationState.LOCKED: "destination.locked",
}
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
    return _shut_down(place, DestinationState.OPEN, reason, probe_at=sql.now() + int(FIRST_PROBE * 1e6))


def refuse(place: Place, reason: str) -> int:
    """Hold runs of a connection whose credential is refused, until it is changed; the destination's id."""
    whole = of_connection(place.workspace_id, place.connection)
    return _shut_down(whole, DestinationState.REFUSED, reason, probe_at=None)


def lock(place: Place, reason: str) -> int:
    """Hold runs that need a secret whose key is lost, until it is back; the destination's id."""
    return _shut_down(place, DestinationState.LOCKED, reason, probe_at=None)


def of_connection(workspace_id: int, name: str) -> Place:
    """The place that runs are held for because of a connection, wherever it goes."""
    return Place(workspace_id, "", name)


def of_variable(workspace_id: int, name: str) -> Place:
    """The place that runs are held for because of a secret variable."""
    return Place(workspace_id, f"vars.{name}", "")


def _shut_down(place: Place, state: DestinationState, reason: str, *, probe_at: int | None) -> int:
    change: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "since": sql.now(),
        "probe_at": probe_at,
        "letting_out": 0,
    }
    rows = Destination.objects.filter(**place._asdict())
    if rows.exclude(state=state).update(**change) or (not rows.exists() and _made(place, change)):
        # Once, not for each of the runs that find the same.
        log.warning(_LOGGED[state], origin=place.origin, connection=place.connection, reason=reason)
    return int(rows.values_list("pk", flat=True).get())


def _made(place: Place, change: dict[str, Any]) -> bool:
    """Whether the row is new; False: another worker was quicker."""
    try:
        with transaction.atomic():
            Destination.objects.create(**place._asdict(), **change)
    except IntegrityError:
        return False
    return True


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


def secret_changed(place: Place) -> None:
    """Let out what was held because of a connection or a variable: it has been entered anew."""
    stuck = (DestinationState.REFUSED, DestinationState.LOCKED)
    Destination.objects.filter(**place._asdict(), state__in=stuck).update(state=DestinationState.CLOSING, letting_out=0)


def go_on() -> None:
    """One round of upkeep: send a probe to each failing destination whose time has come, let out a few more runs."""
    for row in Destination.objects.exclude(state=DestinationState.REFUSED):
        if row.state == DestinationState.LOCKED:
            _try_lock(row)
        elif row.state == DestinationState.CLOSING:
            _let_out(row)
        elif row.probe_at is None or _is_time(sql.micros(row.probe_at)):
            _probe(row)
    _release_orphans()


def _is_time(moment: int) -> bool:
    # One that is later than any can be was set before the clock was set back.
    return not sql.now() < moment <= sql.now() + int(LONGEST_PROBE * 1e6)


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


def _try_lock(row: Destination) -> None:
    """Let out what was held for a secret that opens again, or that is gone: then the run says that."""
    place = Place(row.workspace_id, row.origin, row.connection)
    try:
        _open(place)
    except KeyLost:
        return
    except VaultError:
        pass  # Damaged: that is for its runs to say.
    secret_changed(place)


def _open(place: Place) -> None:
    secret: Connection | Variable | None
    if place.connection:
        secret = Connection.objects.filter(workspace_id=place.workspace_id, name=place.connection).first()
    else:
        name = place.origin.removeprefix("vars.")
        secrets = Variable.objects.filter(sealed__isnull=False)
        secret = secrets.filter(workspace_id=place.workspace_id, name=name).first()
    if secret is not None:
        secret.unseal()


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
