"""The list of runs, of a workspace or of one flow."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from relay.models import Flow
from relay.web import posted, progress, runlist, states
from relay.web.access import WorkspaceRequest, member
from relay.web.filters import Filters

_SAYS = {
    "text": "“{}”",
    "code": "Code {}",
    "destination": "To {}",
    "since": "From {}",
    "until": "Until {}",
    "issue": "Of one issue",
    "batch": "Made by replay {}",
}


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    filters = Filters.of(request.GET)
    if filters.flow is not None:
        get_object_or_404(request.workspace.flows, pk=filters.flow)
    return _page(request, filters, None)


@require_GET
@member
def of_flow(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    return _page(request, replace(Filters.of(request.GET), flow=flow.pk), flow)


def _page(request: WorkspaceRequest, filters: Filters, flow: Flow | None) -> HttpResponse:
    before = posted.text(request.GET, "before", limit=13)
    page = runlist.page(request.workspace, filters, before)
    context = {
        "page": page,
        "filters": filters,
        "flow": flow,
        "chips": _chips(filters),
        "words": _words(filters),
        "older": filters.query(before=page.older) if page.older else "",
        "paged": bool(before),
        "newer_url": f"{reverse('newer-runs')}?{filters.query(after=page.newest)}",
        "flows": [] if flow else request.workspace.flows.order_by("name").values("pk", "name"),
        "pairs": [(name, value) for name, values in QueryDict(filters.query()).lists() for value in values],
        "count_url": f"{reverse('count-runs')}?{filters.query()}",
        "going": progress.going(request.workspace),
        "place": "runs",
    }
    return render(request, "runs/list.html", context)


def _chips(filters: Filters) -> list[dict[str, object]]:
    return [
        {"look": look, "on": state in filters.states, "query": filters.toggled(state).query()}
        for state, look in states.RUNS.items()
    ]


def _words(filters: Filters) -> list[dict[str, str]]:
    """What is written into the filters, each with the address without it."""
    return [
        {"says": _SAYS[name].format(value), "query": filters.without(name).query()}
        for name, value in filters.words.items()
        if value
    ]


@require_GET
@member
def newer(request: WorkspaceRequest) -> HttpResponse:
    """How many runs the list doesn't show yet: counted, so that the page doesn't jump."""
    filters = Filters.of(request.GET)
    count = runlist.newer(request.workspace, filters, posted.text(request.GET, "after", limit=13))
    context = {"count": count, "full": count == runlist.COUNTED}
    return render(request, "runs/_newer.html", context)
