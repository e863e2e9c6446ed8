"""Batches: many runs replayed by a filter, as a job that outlives its page, its process and a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, F, Max, Q

from relay.connectors import registry
from relay.engine import audit, many, replay, runs, sql
from relay.engine.lineage import ENDED, UNDONE
from relay.errors import RelayError
from relay.models import Batch, BatchState, Flow, ReplayMode, Run, RunState, User, Workspace
from relay.models.choosing import RunQuerySet
from relay.models.fields import micros, moment

log = structlog.get_logger()

AT_ONCE = 200  # runs made in one transaction, of which there is one a second
FASTEST = AT_ONCE * 60  # a minute
# What a batch missed (no upkeep, a clock that stepped) is not made up for in a burst.
LATE = 2_000_000  # microseconds

_ABLE = {ReplayMode.FAILED_STEPS: UNDONE, ReplayMode.FROM_START: ENDED, ReplayMode.AS_IT_WAS: ENDED}


@dataclass(slots=True)
class Chosen:
    """What a filter chooses: runs by state and by flow. `destinations` of a flow: `Slack`, `Trello`..."""

    states: Counter[str] = field(default_factory=Counter)
    flows: Counter[int] = field(default_factory=Counter)
    names: dict[int, str] = field(default_factory=dict)
    destinations: dict[int, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.states.total()

    @property
    def undone(self) -> int:
        """Runs of which only what failed can be done again."""
        return sum(self.states[state] for state in UNDONE)

    @property
    def ended(self) -> int:
        """Runs that can be replayed from the start."""
        return sum(self.states[state] for state in ENDED)

    @property
    def open(self) -> int:
        """Runs that can be cancelled."""
        return sum(self.states[state] for state in runs.OPEN)


def count(workspace: Workspace, chosen: Mapping[str, Any]) -> Chosen:
    """How many runs a filter chooses, of which flows, and where those send to."""
    return tell(_chosen(workspace, chosen))


def tell(wanted: RunQuerySet) -> Chosen:
    """How many runs are meant, of which flows, and where those send to."""
    found = Chosen()
    rows = wanted.values_list("flow", "state").annotate(Count("pk")).order_by()
    for flow, state, number in rows:
        found.states[state] += number
        found.flows[flow] += number
    for one in Flow.objects.filter(pk__in=found.flows).select_related("live_version"):
        found.names[one.pk] = one.name
        found.destinations[one.pk] = _destinations(one)
    return found


def count_ended(workspace: Workspace, chosen: Mapping[str, Any]) -> int:
    """How many of the runs that a filter chooses have ended."""
    return int(_chosen(workspace, chosen).filter(state__in=ENDED).count())


def _chosen(workspace: Workspace, chosen: Mapping[str, Any]) -> RunQuerySet:
    return Run.objects.filter(workspace=workspace).chosen(chosen)


def _destinations(flow: Flow) -> list[str]:
    document = flow.live_version.document if flow.live_version else {}
    actions = [step["action"] for step in document.get("steps", ()) if step.get("action") and not step.get("disabled")]
    return list(dict.fromkeys(_labels(actions)))


def _labels(actions: Iterable[str]) -> Iterable[str]:
    for action in actions:
        try:
            yield registry.find(action)[0].label
        except RelayError:
            yield action


def start(
    workspace: Workspace, chosen: Mapping[str, Any], mode: ReplayMode, *, per_minute: int = 0, by: User | None = None
) -> Batch:
    """Begin to replay what the filter chooses now; RelayError when that is nothing.

    `per_minute`: 0 as fast as they go. Upkeep makes the runs; those that can't be replayed are skipped and counted.
    """
    if not 0 <= per_minute <= FASTEST:
        raise RelayError(f"Choose 1 to {FASTEST} runs a minute, or 0 for as fast as they go")
    found = _chosen(workspace, chosen).aggregate(
        total=Count("pk"), able=Count("pk", filter=Q(state__in=_ABLE[mode])), last=Max("pk")
    )
    if not found["able"]:
        raise RelayError(_why_none(found["total"], chosen))
    now = moment(sql.now())
    batch = Batch.objects.create(
        workspace=workspace,
        chosen=dict(chosen),
        mode=mode,
        per_minute=per_minute,
        total=found["total"],
        skipped=found["total"] - found["able"],
        last=found["last"],
        due_at=now,
        created_at=now,
        created_by=by,
    )
    audit.note(workspace, "runs.replayed", f"{found['able']} runs", ref=batch.pk, change=ReplayMode(mode).label)
    return batch


def _why_none(total: int, chosen: Mapping[str, Any]) -> str:
    if total:
        return "None of these runs can be replayed like this"
    return "No run matches that was not replayed before" if chosen.get("unreplayed") else "No run matches"


def go_on(now: int) -> int:
    """One round of upkeep: make the replays that are due by `now` (microseconds since 1970); how many."""
    going = Batch.objects.filter(state=BatchState.GOING).select_related("workspace").order_by("id")
    return sum(_advance(batch, now) for batch in going)


def _advance(batch: Batch, now: int) -> int:
    """Make the replays that are due and move the cursor, in one transaction: a crash loses both or neither."""
    interval = 60_000_000 // (batch.per_minute or FASTEST)
    due = _due(batch, now, interval)
    if due > now:
        return 0
    most = min((now - due) // interval + 1, AT_ONCE)
    with transaction.atomic():
        chosen = _chosen(batch.workspace, batch.chosen).filter(id__gt=batch.after, id__lte=batch.last)
        found = list(chosen.filter(state__in=_ABLE[ReplayMode(batch.mode)]).order_by("id")[:most])
        following = due + most * interval if most < AT_ONCE else now + interval
        if not _move_on(batch, found, due_at=following, is_last=len(found) < most):
            return 0
        made, skipped = replay.many(found, ReplayMode(batch.mode), batch_id=batch.pk)
        Batch.objects.filter(pk=batch.pk).update(made=F("made") + made, skipped=F("skipped") + skipped)
    return made


def _due(batch: Batch, now: int, interval: int) -> int:
    """When the next replay is due; now, where upkeep was away or the clock has stepped."""
    due = micros(batch.due_at)
    return due if now - LATE <= due <= now + interval + LATE else now


def _move_on(batch: Batch, found: list[Run], *, due_at: int, is_last: bool) -> bool:
    """Move the cursor past what was found; False when the batch was cancelled or another upkeep has moved it."""
    end: dict[str, Any] = {"state": BatchState.DONE, "due_at": None} if is_last else {"due_at": due_at}
    after = found[-1].pk if found else batch.after
    going = Batch.objects.filter(pk=batch.pk, state=BatchState.GOING, after=batch.after)
    return bool(going.update(after=after, **end))


def cancel(batch: Batch, *, with_queued: bool) -> int:
    """Make no more replays. `with_queued`: cancel those made that have not begun, too; how many those were."""
    ended = Batch.objects.filter(pk=batch.pk, state=BatchState.GOING).update(state=BatchState.CANCELLED, due_at=None)
    if not ended and not with_queued:
        raise RelayError("This replay has ended already")
    batch.refresh_from_db()
    audit.note(batch.workspace_id, "runs.replay_stopped", f"batch {batch.pk}", ref=batch.pk)
    waiting = {"batch": batch.pk, "state": [RunState.QUEUED, RunState.HELD]}
    return many.act(batch.workspace, "cancel", waiting) if with_queued else 0


def record(batch: Batch) -> dict[str, Any]:
    """How far a batch is, as JSON: what the API and `relay batches --json` say of it."""
    return {
        "state": str(batch.state),
        "mode": str(batch.mode),
        "runs": batch.total,
        "made": batch.made,
        "skipped": batch.skipped,
        "per_minute": batch.per_minute or None,
        "chosen": batch.chosen,
    }


def made_by(batch: Batch) -> Counter[str]:
    """The runs that a batch has made, by state."""
    rows = Run.objects.filter(batch_id=batch.pk).values_list("state").annotate(Count("pk")).order_by()
    return Counter(dict(rows))
