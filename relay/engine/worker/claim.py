"""Claims due runs under a lease and a fence, and loads everything that their walks need."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import starmap

import msgspec
import structlog
from django.conf import settings
from msgspec.structs import replace

from relay.engine.database import statements
from relay.engine.database.write_lock import hold_write_lock, write_transaction
from relay.engine.intake import ordering
from relay.engine.intake.event_data import EventData
from relay.engine.walk import crash_suspects, digests, memory_ceiling, trail_entry, variables
from relay.engine.walk.work_item import WorkItem
from relay.engine.worker import run_weights, scheduling
from relay.engine.worker.claimed_run import RUN_COLUMNS, ClaimedRun
from relay.engine.worker.memory_allotment import MemoryAllotment, Offer
from relay.errors import RelayError
from relay.flows.compiler import Plan, compile_plan
from relay.models import Connection, Version, Workspace

log = structlog.get_logger()

BATCH = 64
NO_PLAN = Plan(name="", title=None, only=None, steps=(), connections=frozenset())
NO_EVENT = EventData(0, "", "", "{}", "", b"", 0)


def claim(
    limit: int = BATCH, choose: Callable[[int], list[int]] = scheduling.oldest, allotment: MemoryAllotment | None = None
) -> list[WorkItem]:
    """Claim up to `limit` due runs: they are *running* under our fence until the lease ends; [] if nothing is due.

    `choose(limit)`: the ids of the runs to claim. `allotment`: decides which of them are loaded; the others are put
    back.
    """
    allotment = allotment or MemoryAllotment()
    chosen = choose(allotment.most(limit))
    runs = _take(chosen) if chosen else []
    if not runs:
        return []
    plans = {version: _plan_or_reason(version) for version in {run.version_id for run in runs}}
    due = run_weights.weigh(runs, _versions(plans, lambda plan: plan.gathers))
    back = allotment.take([Offer(run.id, due.weights[run.id], run.suspicion) for run in runs])
    if back:
        run_weights.put_back(back)
        runs = [run for run in runs if run.id not in back]
    try:
        work_items = _loaded(runs, plans, due)
    except MemoryError:
        work_items = _too_large(runs)
    if any(work_item.marked_step for work_item in work_items):
        # The claim must survive a loss of power before an action is sent that must not be done twice.
        statements.flush()
    return work_items


def _loaded(runs: list[ClaimedRun], plans: dict[int, Plan | str], due: run_weights.DueRuns) -> list[WorkItem]:
    runs, events = run_weights.complete(runs, due)
    connections = _connections(_workspaces(runs, plans, lambda plan: bool(plan.connections)))
    zones = _zones(_workspaces(runs, plans, lambda plan: plan.needs_zone))
    with_variables = _workspaces(runs, plans, lambda plan: plan.uses_variables)
    loaded = variables.load(with_variables) if with_variables else {}
    work_items = [
        _work_item(
            run,
            events.get(run.event_id),
            plans[run.version_id],
            connections.get(run.workspace_id, {}),
            zones.get(run.workspace_id, "UTC"),
            loaded.get(run.workspace_id, variables.NONE),
            due.weights[run.id],
        )
        for run in runs
    ]
    return digests.with_items(work_items)


def _too_large(runs: list[ClaimedRun]) -> list[WorkItem]:
    """Handle runs that don't fit into memory: put them back to be walked alone; fail a run that was alone."""
    memory_ceiling.reached()
    if len(runs) > 1 or runs[0].suspicion < crash_suspects.ALONE:
        run_weights.put_back({run.id: 0.0 for run in runs}, suspicion=crash_suspects.ALONE)
        return []
    return [_work_item(replace(runs[0], trail=None), None, crash_suspects.TOO_LARGE, {}, "UTC", variables.NONE, 0)]


def _take(chosen: list[int]) -> list[ClaimedRun]:
    """Claim the chosen runs that are still due; runs with an order key whose turn it is not are sent back."""
    with hold_write_lock():
        runs = _claimed(chosen)
    if all(run.order_key is None for run in runs):
        return runs
    with write_transaction():
        early = ordering.send_back((run.id, run.flow_id, run.order_key) for run in runs)
    return [run for run in runs if run.id not in early]


def _claimed(chosen: list[int]) -> list[ClaimedRun]:
    now = statements.now()
    lock = "" if statements.is_sqlite() else " FOR UPDATE SKIP LOCKED"
    statement = _claiming(len(chosen), lock)
    lease_end = now + int(settings.LEASE * 1e6)
    rows = statements.fetch(statement, (lease_end, crash_suspects.WORKER_ENDED, *chosen, now))
    return list(starmap(ClaimedRun, sorted(rows)))


@functools.lru_cache(maxsize=128)
def _claiming(count: int, lock: str) -> str:
    return (
        "UPDATE relay_run SET state = 'running', fence = fence + 1, due_at = %s,"
        " suspicion = CASE WHEN state = 'running' THEN COALESCE(suspicion, 0) + %s ELSE suspicion END"
        f" WHERE id IN (SELECT id FROM relay_run WHERE id IN ({statements.marks(count)}) AND due_at <= %s{lock})"
        f" RETURNING {RUN_COLUMNS}"
    )


@functools.lru_cache(maxsize=512)
def plan(version_id: int) -> Plan:
    """The compiled plan of a version, cached because versions never change."""
    document = Version.objects.values_list("document", flat=True).get(pk=version_id)
    return compile_plan(document)


def _plan_or_reason(version_id: int) -> Plan | str:
    """The plan, or why it can't be read: an unreadable version must not block the runs of other versions."""
    try:
        return plan(version_id)
    except Version.DoesNotExist:
        return "Its version of the flow is gone"
    except (RelayError, msgspec.ValidationError) as error:
        log.error("plan.unreadable", version=version_id, reason=str(error))  # noqa: TRY400 - the reason says enough
        return (
            f"This version of the flow can't be read by this version of Relay ({error}). Publish it again and replay."
        )


def _workspaces(runs: list[ClaimedRun], plans: dict[int, Plan | str], needs: Callable[[Plan], bool]) -> set[int]:
    """The workspaces of the runs whose plan needs something."""
    versions = _versions(plans, needs)
    return {run.workspace_id for run in runs if run.version_id in versions} if versions else set()


def _versions(plans: dict[int, Plan | str], needs: Callable[[Plan], bool]) -> set[int]:
    return {version for version, plan in plans.items() if not isinstance(plan, str) and needs(plan)}


def _connections(workspaces: set[int]) -> dict[int, dict[str, Connection]]:
    by_workspace: dict[int, dict[str, Connection]] = {}
    if workspaces:
        for connection in Connection.objects.filter(workspace_id__in=workspaces):
            by_workspace.setdefault(connection.workspace_id, {})[connection.name] = connection
    return by_workspace


def _zones(workspaces: set[int]) -> dict[int, str]:
    """The time zones of workspaces."""
    if not workspaces:
        return {}
    return dict(Workspace.objects.filter(pk__in=workspaces).values_list("pk", "timezone"))


def _work_item(
    run: ClaimedRun,
    event: EventData | None,
    plan_or_reason: Plan | str,
    connections: dict[str, Connection],
    zone: str,
    workspace_variables: variables.Variables,
    weight: int,
) -> WorkItem:
    plan = NO_PLAN if isinstance(plan_or_reason, str) else plan_or_reason
    reason = plan_or_reason if isinstance(plan_or_reason, str) else "" if event else "Its event is gone"
    return WorkItem(
        run_id=run.id,
        fence=run.fence,
        tries=run.tries,
        trail=trail_entry.decode(run.trail),
        event=event or NO_EVENT,
        plan=plan,
        workspace_id=run.workspace_id,
        flow_id=run.flow_id,
        flow_name=plan.name,
        connections=connections,
        variables=workspace_variables,
        unwalkable=reason,
        probe_of=run.destination_id,
        marked_step=run.marked_step,
        marked_fence=run.marked_fence,
        order_key=run.order_key,
        part=run.part,
        suspicion=run.suspicion,
        weight=weight,
        trail_size=run.trail_size or 0,
        zone=plan.timezone or zone,
    )
