"""Audit: each verb notes what it did, and the edges say who is acting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from relay.engine import sql
from relay.models import ActorKind, AuditEntry, Workspace
from relay.models.fields import moment

LONGEST = 2_000  # characters of a change


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, by a name for people, and from which network address."""

    kind: ActorKind
    who: str
    address: str = ""


RELAY = Actor(ActorKind.UPKEEP, "Relay")
_acting: ContextVar[Actor] = ContextVar("acting", default=RELAY)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything noted inside was done by this actor."""
    former = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(former)


def act_as(actor: Actor) -> None:
    """Everything noted in the rest of `acting` was done by this actor: who calls is known only then."""
    _acting.set(actor)


def address() -> str:
    """The network address of who acts now."""
    return _acting.get().address


def note(
    workspace: Workspace | int | None, verb: str, thing: object = "", *, ref: object = "", change: str = ""
) -> None:
    """Add an entry, in the caller's transaction if it has one: `note(flow.workspace_id, "flow.paused", flow, ref=7)`.

    `change` says in words what changed; never give it a secret.
    """
    actor = _acting.get()
    AuditEntry.objects.create(
        workspace_id=workspace.pk if isinstance(workspace, Workspace) else workspace,
        at=moment(sql.now()),
        kind=actor.kind,
        who=actor.who[:254],
        address=actor.address[:45],
        verb=verb,
        thing=str(thing)[:254],
        thing_id=str(ref)[:40],
        change=change[:LONGEST],
    )
