"""Pauses and resumes flows. On resume, a page asks what to do with the held runs."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine.configuration import flow_lifecycle
from relay.engine.runs import paused_backlog
from relay.errors import RelayError
from relay.models import Flow
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data

DEFAULT_PER_MINUTE = 60
LISTS = {"flows": "flows", "held": "held"}


@require_POST
@member
def switch(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Pause or resume a flow, and return to the page with the switch. Ask first if runs are held."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    back = form_data.text(request.POST, "back", limit=10)
    if form_data.text(request.POST, "to") == "paused":
        flow_lifecycle.pause(flow)
        messages.success(request, f"“{flow.name}” is paused. New events are held; nothing is lost.")
    elif paused_backlog.count(flow):
        return redirect(f"{reverse('resume-flow', args=(flow.pk,))}?back={'flow' if back == 'flow' else 'flows'}")
    else:
        flow_lifecycle.resume(flow)
        messages.success(request, f"“{flow.name}” is live again.")
    return _back(flow, back)


def _back(flow: Flow, back: str) -> HttpResponse:
    return redirect("flow", flow.pk) if back == "flow" else redirect(LISTS.get(back, "flows"))


@require_http_methods(["GET", "POST"])
@member
def resume(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Ask what to do with the runs that the pause held, and do it."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    error = ""
    if request.method == "POST":
        try:
            messages.success(request, f"“{flow.name}” is live again. {_release(request, flow)}")
            return _back(flow, form_data.text(request.POST, "back", limit=10))
        except RelayError as refused:
            error = str(refused)
    context = {
        "flow": flow,
        "count": paused_backlog.count(flow),
        "per_minute": form_data.text(request.POST, "per_minute", limit=6) or DEFAULT_PER_MINUTE,
        "back": form_data.text(request.POST or request.GET, "back", limit=10),
        "error": error,
        "place": "flows",
    }
    return render(request, "flows/resume.html", context, status=422 if error else 200)


def _release(request: WorkspaceRequest, flow: Flow) -> str:
    match form_data.text(request.POST, "do"):
        case "all":
            return f"{_runs(flow_lifecycle.resume(flow))} queued."
        case "pace":
            number = form_data.text(request.POST, "per_minute", limit=6).strip()
            per_minute = int(number) if number.isascii() and number.isdigit() else 0
            return f"{_runs(flow_lifecycle.release(flow, per_minute=per_minute))} released, {per_minute} a minute."
        case "discard":
            return f"{_runs(flow_lifecycle.discard(flow))} discarded: each is cancelled, and can be replayed."
    raise RelayError("Choose what to do with the held runs")


def _runs(number: int) -> str:
    return f"{number} held run{' is' if number == 1 else 's are'}"
