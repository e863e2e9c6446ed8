"""Holds runs for destinations that keep failing or refuse a credential, probes them, and releases the runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import structlog
from django.db import IntegrityError, models, transaction

from relay import queues
from relay.engine.database import statements
from relay.engine.flow_control.limiter import OpenCircuit, SendTarget
from relay.errors import KeyLost, VaultError
from relay.models import Connection, Destination, DestinationState, HeldBy, Run, RunState, Variable, Workspace

log = structlog.get_logger()

FIRST_PROBE_SECONDS = 10.0  # after a destination was found failing
MAX_PROBE_SECONDS = 600.0
MAX_RELEASED = 2_000  # runs per tick

_LOGGED = {
    DestinationState.OPEN: "destination.held",
    DestinationState.REFUSED: "destination.refused",
    DestinationState.LOCKED: "destination.locked",
}
_HELD_BY = {DestinationState.OPEN: HeldBy.DESTINATION, DestinationState.REFUSED: HeldBy.CREDENTIAL}


class _OpenRow(NamedTuple):
    """A destination for which runs are held."""

    id: int
    workspace_id: int
    origin: str
    connection: str
    state: str
    reason: str


def open_circuits() -> dict[SendTarget, OpenCircuit]:
    """The destinations for which runs are held now."""
    rows = Destination.objects.filter(state__in=_HELD_BY).values_list(*_OpenRow._fields)
    return {
        SendTarget(row.workspace_id, row.origin, row.connection): OpenCircuit(
            row.id, _HELD_BY[DestinationState(row.state)], row.reason
        )
        for row in map(_OpenRow._make, rows)
    }


def hold_failing(target: SendTarget, reason: str) -> int:
    """Open the circuit of a destination that keeps failing: hold its runs. Returns the id of its row."""
    return _open_circuit(
        target, DestinationState.OPEN, reason, probe_at=statements.now() + int(FIRST_PROBE_SECONDS * 1e6)
    )


def hold_refused(target: SendTarget, reason: str) -> int:
    """Hold runs of a connection whose credential is refused, until it is changed. Returns the id of its row."""
    connection = connection_target(target.workspace_id, target.connection)
    return _open_circuit(connection, DestinationState.REFUSED, reason, probe_at=None)


def hold_locked(target: SendTarget, reason: str) -> int:
    """Hold runs that need a secret whose key is lost, until the key is back. Returns the id of its row."""
    return _open_circuit(target, DestinationState.LOCKED, reason, probe_at=None)


def connection_target(workspace_id: int, name: str) -> SendTarget:
    """The target for which runs are held because of a connection, whatever their origin."""
    return SendTarget(workspace_id, "", name)


def variable_target(workspace_id: int, name: str) -> SendTarget:
    """The target for which runs are held because of a secret variable."""
    return SendTarget(workspace_id, f"vars.{name}", "")


def _open_circuit(target: SendTarget, state: DestinationState, reason: str, *, probe_at: int | None) -> int:
    change: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "since": statements.now(),
        "probe_at": probe_at,
        "letting_out": 0,
    }
    rows = Destination.objects.filter(**target._asdict())
    if rows.exclude(state=state).update(**change) or (not rows.exists() and _create(target, change)):
        # Logged once, not for every run that is held.
        log.warning(_LOGGED[state], origin=target.origin, connection=target.connection, reason=reason)
    return int(rows.values_list("pk", flat=True).get())


def _create(target: SendTarget, change: dict[str, Any]) -> bool:
    """Create the row; False if another worker has created it."""
    try:
        with transaction.atomic():
            Destination.objects.create(**target._asdict(), **change)
    except IntegrityError:
        return False
    return True


def record_probe(destination_id: int, *, answered: bool) -> None:
    """Start to release the held runs if a probe was answered, or else probe again after twice the previous delay."""
    rows = Destination.objects.filter(pk=destination_id, state=DestinationState.OPEN)
    if answered:
        rows.update(state=DestinationState.CLOSING, letting_out=0, probes=0)
        return
    row = rows.first()
    if row is not None:
        delay = min(FIRST_PROBE_SECONDS * 2 ** (row.probes + 1), MAX_PROBE_SECONDS)
        rows.update(probes=models.F("probes") + 1, probe_at=statements.now() + int(delay * 1e6))


def release_target(target: SendTarget) -> None:
    """Start to release runs that are held because of a connection or a variable, after its secret was changed."""
    stuck = (DestinationState.REFUSED, DestinationState.LOCKED)
    Destination.objects.filter(**target._asdict(), state__in=stuck).update(
        state=DestinationState.CLOSING, letting_out=0
    )


def tick() -> None:
    """Probe each failing destination whose probe is due, and release some more held runs. Part of upkeep."""
    for row in Destination.objects.exclude(state=DestinationState.REFUSED):
        if row.state == DestinationState.LOCKED:
            _try_lock(row)
        elif row.state == DestinationState.CLOSING:
            _release_some(row)
        elif row.probe_at is None or _is_due(statements.micros(row.probe_at)):
            _probe(row)
    _release_orphans()


def _is_due(moment: int) -> bool:
    # A moment that is later than any can be was stored before the clock was set back.
    return not statements.now() < moment <= statements.now() + int(MAX_PROBE_SECONDS * 1e6)


def _release_orphans() -> None:
    """Release runs that were held at the moment when the row of their destination was deleted."""
    orphans = Run.objects.filter(state=RunState.HELD, destination_id__isnull=False).exclude(
        destination_id__in=Destination.objects.values("pk")
    )
    _release(orphans)


def _release(held: models.QuerySet[Run]) -> None:
    held.update(state=RunState.QUEUED, due_at=statements.now(), held_by="", reason="", destination_id=None)


def _held(row: Destination) -> models.QuerySet[Run]:
    return Run.objects.filter(destination_id=row.pk, state=RunState.HELD).order_by("id")


def _probe(row: Destination) -> None:
    """Release one run as a probe: it keeps its destination's id, which lets it through the open circuit."""
    first = _held(row).values_list("pk", flat=True).first()
    if first is None:
        row.delete()
        return
    _held(row).filter(pk=first).order_by().update(state=RunState.QUEUED, due_at=statements.now(), held_by="")
    # If the probe never sends (a filter stops it, its worker dies), another one is released after a while.
    Destination.objects.filter(pk=row.pk).update(probe_at=statements.now() + int(MAX_PROBE_SECONDS * 1e6 / 10))
    queues.wake_worker()


def _try_lock(row: Destination) -> None:
    """Release runs held for a secret that can be opened again, or was deleted, in which case the runs will fail."""
    target = SendTarget(row.workspace_id, row.origin, row.connection)
    try:
        _open(target)
    except KeyLost:
        return
    except VaultError:
        pass  # The secret is damaged: its runs fail with that reason.
    release_target(target)


def _open(target: SendTarget) -> None:
    secret: Connection | Variable | None
    if target.connection:
        secret = Connection.objects.filter(workspace_id=target.workspace_id, name=target.connection).first()
    else:
        name = target.origin.removeprefix("vars.")
        secrets = Variable.objects.filter(sealed__isnull=False)
        secret = secrets.filter(workspace_id=target.workspace_id, name=name).first()
    if secret is not None:
        secret.unseal()


def _release_some(row: Destination) -> None:
    """Release twice as many runs as in the last tick; delete the row after the last of them."""
    count = min(max(1, row.letting_out * 2), MAX_RELEASED)
    run_ids = list(_held(row).values_list("pk", flat=True)[:count])
    if not run_ids:
        row.delete()
        return
    _release(_held(row).filter(pk__in=run_ids).order_by())
    Destination.objects.filter(pk=row.pk).update(letting_out=len(run_ids))
    queues.wake_worker()


def held_connections(workspace: Workspace) -> dict[str, tuple[DestinationState, str]]:
    """Connections for which runs are held: the credential is refused, or the key is lost. Each with the reason."""
    states = (DestinationState.REFUSED, DestinationState.LOCKED)
    rows = workspace.destinations.filter(state__in=states).exclude(connection="")
    return {
        name: (DestinationState(state), reason)
        for name, state, reason in rows.values_list("connection", "state", "reason")
    }
