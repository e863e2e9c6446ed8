"""What a person does to many runs at once: small transactions, the oldest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from relay import ids, queues
from relay.engine import audit, order, runs, sql
from relay.errors import RelayError
from relay.models import HeldBy, Run, RunState, Workspace
from relay.models.choosing import RunQuerySet

AT_ONCE = 500  # runs of one transaction


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to runs that are `able`; `noted`: what the audit log calls it."""

    able: Q
    change: Callable[[], dict[str, Any]]
    noted: str


# Of what nobody knows whether it was done, each is decided by itself.
_KNOWN = ~Q(held_by=HeldBy.UNKNOWN)
VERBS = {
    "cancel": Verb(Q(state__in=runs.OPEN), lambda: runs.end(RunState.CANCELLED, "Cancelled by hand"), "runs.cancelled"),
    "try-now": Verb(
        Q(state=RunState.WAITING), lambda: {"state": RunState.QUEUED, "due_at": sql.now()}, "runs.tried_now"
    ),
    "release": Verb(Q(state=RunState.HELD) & _KNOWN, lambda: {**runs.QUEUED, "due_at": sql.now()}, "runs.released"),
    "give-up": Verb(
        Q(state__in=(RunState.WAITING, RunState.HELD)) & _KNOWN,
        lambda: runs.end(RunState.FAILED, "Given up by hand"),
        "runs.given_up",
    ),
}


def able(workspace: Workspace, word: str, chosen: Mapping[str, Any]) -> RunQuerySet:
    """Those of the runs that a filter chooses to which a verb can be done; RelayError where there is no such verb."""
    if word not in VERBS:
        raise RelayError(f"What can be done to many runs is {', '.join(VERBS)}")
    return Run.objects.filter(workspace=workspace).chosen(chosen).filter(VERBS[word].able)


def act(workspace: Workspace, word: str, chosen: Mapping[str, Any]) -> int:
    """Do a verb to the runs that a filter chooses; to how many it was done."""
    # What arrives meanwhile was not meant.
    meant = able(workspace, word, chosen).filter(id__lte=ids.new()).order_by("id")
    verb, done, last = VERBS[word], 0, 0
    while rows := list(meant.filter(id__gt=last).values_list("pk", "flow", "order_key")[:AT_ONCE]):
        last = rows[-1][0]
        still = Run.objects.filter(verb.able, pk__in=[number for number, _, _ in rows])
        done += still.update(**verb.change())
        order.advance((flow, key) for _, flow, key in rows)
    if done:
        audit.note(workspace, verb.noted, f"{done} runs")
    queues.ring()
    return done
