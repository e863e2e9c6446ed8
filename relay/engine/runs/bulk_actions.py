"""Applies an action to many runs, oldest first, in small transactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from relay import ids, queues
from relay.engine import audit
from relay.engine.intake import ordering
from relay.engine.runs.run_actions import BULK_ACTIONS
from relay.errors import RelayError
from relay.models import Run, Workspace
from relay.search.filters import filter_runs

BATCH_RUNS = 500  # in one transaction


def applicable_runs(workspace: Workspace, key: str, chosen: Mapping[str, Any]) -> QuerySet[Run]:
    """The runs of a filter to which an action applies; RelayError for an unknown action."""
    if key not in BULK_ACTIONS:
        raise RelayError(f"Bulk actions are {', '.join(BULK_ACTIONS)}")
    return filter_runs(Run.objects.filter(workspace=workspace), chosen).filter(BULK_ACTIONS[key].in_bulk)


def apply(workspace: Workspace, key: str, chosen: Mapping[str, Any]) -> int:
    """Apply an action to the runs of a filter and return the number of runs changed."""
    # Runs that arrive meanwhile were not selected.
    selected = applicable_runs(workspace, key, chosen).filter(id__lte=ids.new()).order_by("id")
    action, changed, last = BULK_ACTIONS[key], 0, 0
    while rows := list(selected.filter(id__gt=last).values_list("pk", "flow", "order_key")[:BATCH_RUNS]):
        last, _, _ = rows[-1]
        still = Run.objects.filter(action.in_bulk, pk__in=[run_id for run_id, _, _ in rows])
        changed += still.update(**action.change())
        ordering.advance((flow, order_key) for _, flow, order_key in rows)
    if changed:
        audit.note(workspace, f"runs.{action.past}", f"{changed} runs")
    queues.wake_worker()
    return changed
