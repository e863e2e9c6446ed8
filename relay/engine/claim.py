"""Claim: take what is due, under a lease and a fence, and load all that the walks need."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from django.conf import settings

from relay.engine import due, gathering, order, sql, variables
from relay.engine.arrived import Arrived
from relay.engine.errand import Errand
from relay.engine.turns import turn, writing
from relay.errors import RelayError
from relay.flows.plan import Plan, compile_plan
from relay.models import Connection, Version, Workspace

log = structlog.get_logger()

BATCH = 64
NOTHING = Plan(name="", title=None, only=None, steps=(), connections=frozenset())
NO_EVENT = Arrived(0, "", "", "{}", "", b"", 0)


def claim(limit: int = BATCH, choose: Callable[[int], list[int]] = due.oldest) -> list[Errand]:
    """Up to `limit` due runs, now *running* under our fence until the lease ends; [] when nothing is due.

    `choose(limit)`: the ids of the runs to take.
    """
    chosen = choose(limit)
    runs = _take(chosen) if chosen else []
    if not runs:
        return []
    events = _events([run[6] for run in runs])
    plans = {version: _plan_or_reason(version) for version in {run[5] for run in runs}}
    needing = {run[7] for run in runs if _needs_connections(plans[run[5]])}
    connections = _connections(needing)
    zones = _zones({run[7] for run in runs if _needs_zone(plans[run[5]])})
    using = {run[7] for run in runs if _uses_variables(plans[run[5]])}
    known = variables.load(using) if using else {}
    errands = [
        _errand(
            run,
            events.get(run[6]),
            plans[run[5]],
            connections.get(run[7], {}),
            zones.get(run[7], "UTC"),
            known.get(run[7], variables.NONE),
        )
        for run in runs
    ]
    errands = gathering.with_items(errands)
    if any(errand.marked_step for errand in errands):
        # The claim must outlast a loss of power before what may be done only once is done.
        sql.flush()
    return errands


def renew(errands: list[Errand]) -> None:
    """Lengthen the lease of runs still in hand; those that another worker has taken since are left alone."""
    until = sql.now() + int(settings.LEASE * 1e6)
    for errand in errands:
        sql.execute(
            "UPDATE relay_run SET due_at = %s WHERE id = %s AND fence = %s AND state = 'running'",
            (until, errand.run_id, errand.fence),
        )


def _take(chosen: list[int]) -> list[tuple[Any, ...]]:
    """Claim those that are still due; what keeps an order and whose turn it isn't goes back."""
    with turn():
        rows = _claimed(chosen)
    if all(row[11] is None for row in rows):
        return rows
    with writing():
        early = order.send_back((row[0], row[4], row[11]) for row in rows)
    return [row for row in rows if row[0] not in early]


def _claimed(chosen: list[int]) -> list[tuple[Any, ...]]:
    now = sql.now()
    lock = "" if sql.is_sqlite() else " FOR UPDATE SKIP LOCKED"
    statement = (
        "UPDATE relay_run SET state = 'running', fence = fence + 1, due_at = %s"
        f" WHERE id IN (SELECT id FROM relay_run WHERE id IN ({sql.marks(len(chosen))}) AND due_at <= %s{lock})"
        " RETURNING id, fence, tries, trail, flow_id, version_id, event_id, workspace_id,"
        " destination_id, marked_step, marked_fence, order_key, part"
    )
    return sorted(sql.fetch(statement, (now + int(settings.LEASE * 1e6), *chosen, now)))


def _events(ids: list[int]) -> dict[int, Arrived]:
    statement = (
        "SELECT id, method, query, headers, content_type, body, received_at FROM relay_event"
        f" WHERE id IN ({sql.marks(len(ids))})"
    )
    return {
        row[0]: Arrived(row[0], row[1], row[2], row[3], row[4], bytes(row[5]), row[6])
        for row in sql.fetch(statement, ids)
    }


@functools.lru_cache(maxsize=512)
def plan(version_id: int) -> Plan:
    """The compiled plan of a version: versions never change, so once per process is enough."""
    document = Version.objects.values_list("document", flat=True).get(pk=version_id)
    return compile_plan(document)


def _plan_or_reason(version_id: int) -> Plan | str:
    """The plan, or why there is none: one version that can't be read must not keep others' runs from going on."""
    try:
        return plan(version_id)
    except Version.DoesNotExist:
        return "Its version of the flow is gone"
    except (RelayError, msgspec.ValidationError) as error:
        log.error("plan.unreadable", version=version_id, reason=str(error))  # noqa: TRY400 - the reason says it
        return (
            f"This version of the flow can't be read by this version of Relay ({error}). Publish it again and replay."
        )


def _needs_connections(found: Plan | str) -> bool:
    return not isinstance(found, str) and bool(found.connections)


def _uses_variables(found: Plan | str) -> bool:
    return not isinstance(found, str) and found.uses_variables


def _connections(workspaces: set[int]) -> dict[int, dict[str, Connection]]:
    found: dict[int, dict[str, Connection]] = {}
    if workspaces:
        for connection in Connection.objects.filter(workspace_id__in=workspaces):
            found.setdefault(connection.workspace_id, {})[connection.name] = connection
    return found


def _needs_zone(found: Plan | str) -> bool:
    return not isinstance(found, str) and found.needs_zone


def _zones(workspaces: set[int]) -> dict[int, str]:
    """The time zones of workspaces."""
    if not workspaces:
        return {}
    return dict(Workspace.objects.filter(pk__in=workspaces).values_list("pk", "timezone"))


def _errand(
    run: tuple[Any, ...],
    event: Arrived | None,
    found: Plan | str,
    connections: dict[str, Connection],
    zone: str,
    known: variables.Variables,
) -> Errand:
    plan = NOTHING if isinstance(found, str) else found
    reason = found if isinstance(found, str) else "" if event else "Its event is gone"
    return Errand(
        run_id=run[0],
        fence=run[1],
        tries=run[2],
        trail=msgspec.json.decode(run[3]) if run[3] else [],
        event=event or NO_EVENT,
        plan=plan,
        workspace_id=run[7],
        flow_id=run[4],
        flow_name=plan.name,
        connections=connections,
        variables=known,
        hopeless=reason,
        probe_of=run[8],
        marked_step=run[9],
        marked_fence=run[10],
        order_key=run[11],
        part=run[12],
        zone=plan.timezone or zone,
    )
