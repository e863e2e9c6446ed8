"""Finds the runs that match a filter, newest first, in a time that doesn't depend on how many runs there are."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay import ids
from relay.engine.database import statements
from relay.models import Run, RunState, Workspace
from relay.search import filters, query, words

OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)
SEARCH_SECONDS = 0.15  # after which a search by words returns, complete or not
_INDEXED = frozenset({"state", "flow", "since", "until"})


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Ids, newest first. `reached`: the id that the search got down to when its time was up, else 0."""

    ids: list[int]
    reached: int = 0


def find(
    workspace: Workspace, chosen: Mapping[str, Any], *, above: int = 0, below: int = query.END, limit: int
) -> SearchPage:
    """Find up to `limit` runs that match a filter (see `filter_runs`) and have ids between `above` and `below`."""
    since, until = filters.bounds(chosen)
    since, below = max(since, above + 1), min(below, until)
    flow = chosen.get("flow")
    if flow is not None and not workspace.flows.filter(pk=flow).exists():
        return SearchPage([])
    if query.is_search(chosen):
        return _by_words(workspace, chosen, since - 1, below, limit)
    if "issue" in chosen and _INDEXED.issuperset({*chosen} - {"issue"}):
        return SearchPage(_of_issue(workspace, chosen, [since, below], limit))
    if not _INDEXED.issuperset(chosen):
        runs = filters.filter_runs(Run.objects.filter(workspace=workspace, id__gte=since, id__lt=below), chosen)
        return SearchPage(list(runs.order_by("-id").values_list("pk", flat=True)[:limit]))
    span: list[Any] = [since, below]
    if states := chosen.get("state"):
        parts = [_of_state(workspace, state, flow, span, limit) for state in states]
        return SearchPage(list(heapq.merge(*parts, reverse=True))[:limit])
    return SearchPage(
        _newest("workspace_id = %s", workspace.pk, span, limit) if flow is None else _of_flow(flow, span, limit)
    )


def _of_flow(flow: int, span: list[Any], limit: int) -> list[int]:
    return _newest("flow_id = %s", flow, span, limit)


def _newest(condition: str, value: int, span: list[Any], limit: int) -> list[int]:
    return _ids(f"{condition} AND id >= %s AND id < %s ORDER BY id DESC", [value, *span], limit)


def _of_state(workspace: Workspace, state: str, flow: int | None, span: list[Any], limit: int) -> list[int]:
    """Runs of a state, by the index on the state. A `+` keeps SQLite from another index, which may be much longer."""
    of_flow, flows = ("", []) if flow is None else (" AND +flow_id = %s", [flow])
    if state == RunState.HELD:
        selected = "SELECT id FROM relay_flow WHERE workspace_id = %s" + (" AND id = %s" if flows else "")
        where = f"state = 'held' AND flow_id IN ({selected}) AND id >= %s AND id < %s ORDER BY id DESC"
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
        where, parameters = f"{where} AND state IN ({statements.marks(len(states))})", [*parameters, *states]
    return _ids(f"{where} ORDER BY +id DESC", parameters, limit)


def _ids(where: str, parameters: Sequence[Any], limit: int) -> list[int]:
    return statements.fetch_values(f"SELECT id FROM relay_run WHERE {where} LIMIT %s", [*parameters, limit])


def _by_words(workspace: Workspace, chosen: Mapping[str, Any], above: int, below: int, limit: int) -> SearchPage:
    """Read the runs that are not indexed yet, then the index, until the page is full or SEARCH_SECONDS are over."""
    terms = query.search_terms(chosen)
    if not terms:
        return SearchPage([])
    end = time.monotonic() + SEARCH_SECONDS
    plain = {key: value for key, value in chosen.items() if key not in query.KEYS}
    runs = filters.filter_runs(Run.objects.filter(workspace=workspace), plain)
    run_ids = query.newest(runs, terms, above=above, below=below)
    for candidates, reached in query.store().walk([*_facets(workspace, chosen), *terms], above, below):
        if len(run_ids) >= limit:
            break
        run_ids += sorted(runs.filter(pk__in=candidates).values_list("pk", flat=True), reverse=True)
        if time.monotonic() > end and reached > above:
            return SearchPage(run_ids[:limit], reached=reached)
    return SearchPage(run_ids[:limit])


def _facets(workspace: Workspace, chosen: Mapping[str, Any]) -> list[query.Term]:
    """Index terms for the filter's flow and state. The state of a run that has not ended may have changed since."""
    facets: list[query.Term] = [(words.facet("workspace", workspace.pk),)]
    if "flow" in chosen:
        facets.append((words.facet("flow", chosen["flow"]),))
    states = chosen.get("state", ())
    if states and not {*OPEN, RunState.HELD} & {*states}:
        facets.append(tuple(words.facet("state", state) for state in states))
    return facets
