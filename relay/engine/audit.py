"""Writes the audit log. Operations of the engine add entries; pages, API and commands set who acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from relay.engine.database import statements
from relay.models import ActorKind, AuditEntry, Workspace
from relay.models.fields import moment

MAX_CHANGE_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: kind, name to show, and network address."""

    kind: ActorKind
    who: str
    address: str = ""


RELAY = Actor(ActorKind.UPKEEP, "Relay")
_acting: ContextVar[Actor] = ContextVar("acting", default=RELAY)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Attribute the entries made inside to this actor."""
    former = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(former)


def act_as(actor: Actor) -> None:
    """Attribute later entries inside `acting` to this actor, for callers that are identified only then."""
    _acting.set(actor)


def actor() -> str:
    """The name of the present actor."""
    return _acting.get().who


def address() -> str:
    """The network address of the present actor."""
    return _acting.get().address


def note(
    workspace: Workspace | int | None, verb: str, thing: object = "", *, ref: object = "", change: str = ""
) -> None:
    """Add an entry, in the caller's transaction if there is one: `note(flow.workspace_id, "flow.paused", flow, ref=7)`.

    `change` describes the change in words and must not contain secrets.
    """
    actor = _acting.get()
    AuditEntry.objects.create(
        workspace_id=workspace.pk if isinstance(workspace, Workspace) else workspace,
        at=moment(statements.now()),
        kind=actor.kind,
        who=actor.who[:254],
        address=actor.address[:45],
        verb=verb,
        thing=str(thing)[:254],
        thing_id=str(ref)[:40],
        change=change[:MAX_CHANGE_CHARS],
    )
