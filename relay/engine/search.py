"""Search: the runs that a filter chooses, newest first, quickly however many there are."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay import ids, words
from relay.engine import sql
from relay.models import Run, RunState, Workspace, choosing, searching

OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)
PATIENCE = 0.15  # seconds in which a page's search is over, complete or not
_INDEXED = frozenset({"state", "flow", "since", "until"})


@dataclass(frozen=True, slots=True)
class Found:
    """Ids, newest first. `reached`: the id down to which was searched when time was up, else 0."""

    ids: list[int]
    reached: int = 0


def find(
    workspace: Workspace, chosen: Mapping[str, Any], *, above: int = 0, below: int = searching.END, limit: int
) -> Found:
    """Up to `limit` runs of a filter (see RunQuerySet.chosen) with ids between two others."""
    since, until = choosing.bounds(chosen)
    since, below = max(since, above + 1), min(below, until)
    flow = chosen.get("flow")
    if flow is not None and not workspace.flows.filter(pk=flow).exists():
        return Found([])
    if searching.is_search(chosen):
        return _by_words(workspace, chosen, since - 1, below, limit)
    if "issue" in chosen and _INDEXED.issuperset({*chosen} - {"issue"}):
        return Found(_of_issue(workspace, chosen, [since, below], limit))
    if not _INDEXED.issuperset(chosen):
        some = Run.objects.filter(workspace=workspace, id__gte=since, id__lt=below).chosen(chosen)
        return Found(list(some.order_by("-id").values_list("pk", flat=True)[:limit]))
    span: list[Any] = [since, below]
    if states := chosen.get("state"):
        parts = [_of_state(workspace, state, flow, span, limit) for state in states]
        return Found(list(heapq.merge(*parts, reverse=True))[:limit])
    return Found(
        _newest("workspace_id = %s", workspace.pk, span, limit) if flow is None else _of_flow(flow, span, limit)
    )


def _of_flow(flow: int, span: list[Any], limit: int) -> list[int]:
    return _newest("flow_id = %s", flow, span, limit)


def _newest(condition: str, value: int, span: list[Any], limit: int) -> list[int]:
    return _ids(f"{condition} AND id >= %s AND id < %s ORDER BY id DESC", [value, *span], limit)


def _of_state(workspace: Workspace, state: str, flow: int | None, span: list[Any], limit: int) -> list[int]:
    """By the index that has the state. A `+` keeps a column from choosing another: no database knows which is short."""
    of_flow, flows = ("", []) if flow is None else (" AND +flow_id = %s", [flow])
    if state == RunState.HELD:
        one = "SELECT id FROM relay_flow WHERE workspace_id = %s" + (" AND id = %s" if flows else "")
        where = f"state = 'held' AND flow_id IN ({one}) AND id >= %s AND id < %s ORDER BY id DESC"
        return _ids(where, [workspace.pk, *flows, *span], limit)
    if state in OPEN:
        where = "due_at IS NOT NULL AND state = %s AND +workspace_id = %s AND +id >= %s AND +id < %s"
        return _ids(f"{where}{of_flow} ORDER BY +id DESC", [state, workspace.pk, *span, *flows], limit)
    where = "finished_at IS NOT NULL AND workspace_id = %s AND state = %s AND id >= %s AND id < %s"
    return _ids(f"{where}{of_flow} ORDER BY id DESC", [workspace.pk, state, *span, *flows], limit)


def _of_issue(workspace: Workspace, chosen: Mapping[str, Any], span: list[Any], limit: int) -> list[int]:
    where = "issue_id = %s AND +workspace_id = %s AND +id >= %s AND +id < %s"
    parameters: list[Any] = [ids.number(chosen["issue"]) or 0, workspace.pk, *span]
    if "flow" in chosen:
        where, parameters = f"{where} AND +flow_id = %s", [*parameters, chosen["flow"]]
    if states := chosen.get("state"):
        where, parameters = f"{where} AND state IN ({sql.marks(len(states))})", [*parameters, *states]
    return _ids(f"{where} ORDER BY +id DESC", parameters, limit)


def _ids(where: str, parameters: Sequence[Any], limit: int) -> list[int]:
    return [row[0] for row in sql.fetch(f"SELECT id FROM relay_run WHERE {where} LIMIT %s", [*parameters, limit])]


def _by_words(workspace: Workspace, chosen: Mapping[str, Any], above: int, below: int, limit: int) -> Found:
    """What the index doesn't know yet is read; then what it knows, until there is enough or PATIENCE is over."""
    terms = searching.looked_for(chosen)
    if not terms:
        return Found([])
    end = time.monotonic() + PATIENCE
    plain = {key: value for key, value in chosen.items() if key not in searching.KEYS}
    runs = Run.objects.filter(workspace=workspace).chosen(plain)
    found = searching.newest(runs, terms, above=above, below=below)
    for candidates, reached in searching.store().walk([*_facets(workspace, chosen), *terms], above, below):
        if len(found) >= limit:
            break
        found += sorted(runs.filter(pk__in=candidates).values_list("pk", flat=True), reverse=True)
        if time.monotonic() > end and reached > above:
            return Found(found[:limit], reached=reached)
    return Found(found[:limit])


def _facets(workspace: Workspace, chosen: Mapping[str, Any]) -> list[searching.Term]:
    """What the index knows of a run besides its words. A run that isn't over may have moved on since."""
    facets: list[searching.Term] = [(words.facet("workspace", workspace.pk),)]
    if "flow" in chosen:
        facets.append((words.facet("flow", chosen["flow"]),))
    states = chosen.get("state", ())
    if states and not {*OPEN, RunState.HELD} & {*states}:
        facets.append(tuple(words.facet("state", state) for state in states))
    return facets
