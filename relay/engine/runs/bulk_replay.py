"""Replays many runs that match a filter, as a batch that survives its page, its process and a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet
from django.db.models.functions import Length

from relay.connectors import registry
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.runs import bulk_actions, replay, run_actions
from relay.engine.runs.replay_plan import ENDED, UNDONE
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Batch, BatchState, Flow, ReplayMode, Run, RunState, User, Workspace
from relay.models.fields import micros, moment
from relay.search.filters import filter_runs

log = structlog.get_logger()

MAX_TRAIL_BYTES = 16 * 1024 * 1024  # trails that one transaction copies
BATCH_RUNS = 200  # replays of one transaction; there is one a second
MAX_PER_MINUTE = BATCH_RUNS * 60
# A batch that falls further behind (no upkeep, a clock that stepped) does not catch up in a burst.
MAX_LATENESS = 2_000_000  # microseconds

_REPLAYABLE = {ReplayMode.FAILED_STEPS: UNDONE, ReplayMode.FROM_START: ENDED, ReplayMode.AS_IT_WAS: ENDED}


@dataclass(slots=True)
class SelectionSummary:
    """The runs of a filter, counted by state and by flow. `destinations` of a flow: `Slack`, `Trello`..."""

    states: Counter[str] = field(default_factory=Counter)
    flows: Counter[int] = field(default_factory=Counter)
    names: dict[int, str] = field(default_factory=dict)
    destinations: dict[int, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.states.total()

    @property
    def undone(self) -> int:
        """The number of runs whose failed steps can be replayed."""
        return sum(self.states[state] for state in UNDONE)

    @property
    def ended(self) -> int:
        """The number of runs that can be replayed from the start."""
        return sum(self.states[state] for state in ENDED)

    @property
    def open(self) -> int:
        """The number of runs that can be cancelled."""
        return sum(self.states[state] for state in run_actions.OPEN)


def summarize(workspace: Workspace, chosen: Mapping[str, Any]) -> SelectionSummary:
    """Count the runs of a filter by state and flow, and list where those flows send."""
    return summarize_runs(_select(workspace, chosen))


def summarize_runs(runs: QuerySet[Run]) -> SelectionSummary:
    """Count runs by state and flow, and list where those flows send."""
    summary = SelectionSummary()
    rows = runs.values_list("flow", "state").annotate(Count("pk")).order_by()
    for flow_id, state, number in rows:
        summary.states[state] += number
        summary.flows[flow_id] += number
    for flow in Flow.objects.filter(pk__in=summary.flows).select_related("live_version"):
        summary.names[flow.pk] = flow.name
        summary.destinations[flow.pk] = _destinations(flow)
    return summary


def count_ended(workspace: Workspace, chosen: Mapping[str, Any]) -> int:
    """Count the ended runs of a filter."""
    return int(_select(workspace, chosen).filter(state__in=ENDED).count())


def _select(workspace: Workspace, chosen: Mapping[str, Any]) -> QuerySet[Run]:
    return filter_runs(Run.objects.filter(workspace=workspace), chosen)


def _destinations(flow: Flow) -> list[str]:
    document = flow.live_version.document if flow.live_version else {}
    return list(dict.fromkeys(map(registry.label, nesting.actions(document))))


def start(
    workspace: Workspace, chosen: Mapping[str, Any], mode: ReplayMode, *, per_minute: int = 0, by: User | None = None
) -> Batch:
    """Start to replay the runs that match the filter now; RelayError when none of them can be replayed.

    `per_minute`: 0 for as fast as possible. Upkeep makes the replays; runs that can't be replayed are skipped and
    counted.
    """
    if not 0 <= per_minute <= MAX_PER_MINUTE:
        raise RelayError(f"Choose 1 to {MAX_PER_MINUTE} runs a minute, or 0 for as fast as possible")
    counts = _select(workspace, chosen).aggregate(
        total=Count("pk"), replayable=Count("pk", filter=Q(state__in=_REPLAYABLE[mode])), last=Max("pk")
    )
    if not counts["replayable"]:
        raise RelayError(_empty_reason(counts["total"], chosen))
    now = moment(statements.now())
    batch = Batch.objects.create(
        workspace=workspace,
        chosen=dict(chosen),
        mode=mode,
        per_minute=per_minute,
        total=counts["total"],
        skipped=counts["total"] - counts["replayable"],
        last=counts["last"],
        due_at=now,
        created_at=now,
        created_by=by,
    )
    audit.note(workspace, "runs.replayed", f"{counts['replayable']} runs", ref=batch.pk, change=ReplayMode(mode).label)
    return batch


def _empty_reason(total: int, chosen: Mapping[str, Any]) -> str:
    if total:
        return "None of these runs can be replayed like this"
    return "No matching run is left that was not replayed before" if chosen.get("unreplayed") else "No run matches"


def tick(now: int) -> int:
    """Make the replays that are due by `now` (microseconds since 1970); return their number. One round of upkeep."""
    active = Batch.objects.filter(state=BatchState.RUNNING).select_related("workspace").order_by("id")
    return sum(_advance(batch, now) for batch in active)


def _advance(batch: Batch, now: int) -> int:
    """Make the replays that are due and move the cursor, in one transaction: a crash loses both or neither."""
    interval = 60_000_000 // (batch.per_minute or MAX_PER_MINUTE)
    due = _due(batch, now, interval)
    if due > now:
        return 0
    limit = min((now - due) // interval + 1, BATCH_RUNS)
    selected = _select(batch.workspace, batch.chosen).filter(id__gt=batch.after, id__lte=batch.last)
    replayable = selected.filter(state__in=_REPLAYABLE[ReplayMode(batch.mode)]).order_by("id")
    sizes = list(replayable.annotate(size=Length("trail")).values_list("pk", "size")[:limit])
    runs = list(Run.objects.filter(pk__in=_within_memory(sizes)).order_by("id"))
    copies, examined = replay.build_copies(runs, ReplayMode(batch.mode), batch_id=batch.pk)
    following = due + examined * interval if examined < BATCH_RUNS else now + interval
    is_last = examined == len(sizes) < limit
    with transaction.atomic():
        if not _move_cursor(batch, runs[:examined], due_at=following, is_last=is_last):
            return 0
        replay.store(copies)
        skipped = examined - len(copies)
        Batch.objects.filter(pk=batch.pk).update(made=F("made") + len(copies), skipped=F("skipped") + skipped)
    return len(copies)


def _within_memory(sizes: Sequence[tuple[int, int | None]]) -> list[int]:
    """The ids of the first runs whose trails fit into MAX_TRAIL_BYTES; at least one."""
    taken: list[int] = []
    total = 0
    for run_id, size in sizes:
        total += size or 0
        if taken and total > MAX_TRAIL_BYTES:
            break
        taken.append(run_id)
    return taken


def _due(batch: Batch, now: int, interval: int) -> int:
    """When the next replay is due: now, if upkeep did not run for a while or the clock has stepped."""
    due = micros(batch.due_at)
    return due if now - MAX_LATENESS <= due <= now + interval + MAX_LATENESS else now


def _move_cursor(batch: Batch, runs: list[Run], *, due_at: int, is_last: bool) -> bool:
    """Move the cursor past these runs; False when the batch was cancelled or another upkeep has moved it."""
    end: dict[str, Any] = {"state": BatchState.DONE, "due_at": None} if is_last else {"due_at": due_at}
    after = runs[-1].pk if runs else batch.after
    unchanged = Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING, after=batch.after)
    return bool(unchanged.update(after=after, **end))


def cancel(batch: Batch, *, with_queued: bool) -> int:
    """Stop a bulk replay. `with_queued` also cancels the replays that have not started; returns their number."""
    ended = Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING).update(state=BatchState.CANCELLED, due_at=None)
    if not ended and not with_queued:
        raise RelayError("This replay has ended already")
    batch.refresh_from_db()
    audit.note(batch.workspace_id, "runs.replay_stopped", f"batch {batch.pk}", ref=batch.pk)
    not_started = {"batch": batch.pk, "state": [RunState.QUEUED, RunState.HELD]}
    return bulk_actions.apply(batch.workspace, "cancel", not_started) if with_queued else 0


def record(batch: Batch) -> dict[str, Any]:
    """The progress of a batch as JSON, for the API and `relay batches --json`."""
    return {
        "state": str(batch.state),
        "mode": str(batch.mode),
        "runs": batch.total,
        "made": batch.made,
        "skipped": batch.skipped,
        "per_minute": batch.per_minute or None,
        "chosen": batch.chosen,
    }


def count_replays(batch: Batch) -> Counter[str]:
    """Count the replays that a batch has made, by state."""
    rows = Run.objects.filter(batch_id=batch.pk).values_list("state").annotate(Count("pk")).order_by()
    return Counter(dict(rows))
