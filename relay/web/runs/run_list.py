"""Shows the list of runs, of a workspace or of one flow."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from relay.models import Flow
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.runs import bulk_progress, run_rows
from relay.web.runs.action_labels import BULK_BUTTONS
from relay.web.runs.run_filters import RunFilters
from relay.web.ui import form_data, state_labels

UNCHANGED = 204
_FILTER_LABELS = {
    "text": "“{}”",
    "code": "Code {}",
    "destination": "To {}",
    "since": "From {}",
    "until": "Until {}",
    "issue": "Of one issue",
    "batch": "Made by bulk replay {}",
}


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    filters = RunFilters.from_query(request.GET)
    if filters.flow is not None:
        get_object_or_404(request.workspace.flows, pk=filters.flow)
    return _page(request, filters, None)


@require_GET
@member
def of_flow(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    return _page(request, replace(RunFilters.from_query(request.GET), flow=flow.pk), flow)


def _page(request: WorkspaceRequest, filters: RunFilters, flow: Flow | None) -> HttpResponse:
    before = form_data.text(request.GET, "before", limit=13)
    page = run_rows.page(request.workspace, filters, before)
    context = {
        "page": page,
        "filters": filters,
        "flow": flow,
        "chips": _chips(filters),
        "words": _typed_filters(filters),
        "older": filters.query(before=page.older) if page.older else "",
        "paged": bool(before),
        "newer_url": f"{reverse('newer-runs')}?{filters.query(after=page.newest)}",
        "flows": [] if flow else request.workspace.flows.order_by("name").values("pk", "name"),
        "pairs": [(name, value) for name, values in QueryDict(filters.query()).lists() for value in values],
        "count_url": f"{reverse('count-runs')}?{filters.query()}",
        "updates": _updates([row.mark for row in page.rows if not row.run.is_final], of_flow=flow is not None),
        "running_batches": bulk_progress.running(request.workspace),
        "bulk_buttons": BULK_BUTTONS.values(),
        "place": "runs",
    }
    return render(request, "runs/list.html", context)


def _updates(marks: list[str], *, of_flow: bool) -> str:
    """Return the address that renders those of these rows that have changed; "" if there are none."""
    of = [("of", "flow")] if of_flow else []
    return f"{reverse('changed-runs')}?{urlencode([*of, *(('run', mark) for mark in marks)])}" if marks else ""


def _chips(filters: RunFilters) -> list[dict[str, object]]:
    return [
        {"look": look, "on": state in filters.states, "query": filters.toggled(state).query()}
        for state, look in state_labels.RUNS.items()
    ]


def _typed_filters(filters: RunFilters) -> list[dict[str, str]]:
    """Return the typed filters, each with the query that removes it."""
    return [
        {"says": _FILTER_LABELS[name].format(value), "query": filters.without(name).query()}
        for name, value in filters.words.items()
        if value
    ]


@require_GET
@member
def newer(request: WorkspaceRequest) -> HttpResponse:
    """Count the runs that are newer than the list. They aren't inserted, so that the page doesn't jump."""
    filters = RunFilters.from_query(request.GET)
    count = run_rows.newer(request.workspace, filters, form_data.text(request.GET, "after", limit=13))
    context = {"count": count, "full": count == run_rows.MAX_COUNTED_NEWER}
    return render(request, "runs/_newer_link.html", context)


@require_GET
@member
def changed_rows(request: WorkspaceRequest) -> HttpResponse:
    """Render the rows that have changed since the list was shown, to replace them on the page."""
    rows, marks = run_rows.changed(request.workspace, request.GET.getlist("run"))
    if not rows:
        return HttpResponse(status=UNCHANGED)
    of_flow = form_data.text(request.GET, "of", limit=4) == "flow"
    context = {"rows": rows, "updates": _updates(marks, of_flow=of_flow), "flow": of_flow}
    return render(request, "runs/_changed_rows.html", context)
