"""Pausing and resuming a flow: on resume a page asks what becomes of what was held."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine import held, publish
from relay.errors import RelayError
from relay.models import Flow
from relay.web import posted
from relay.web.access import WorkspaceRequest, member

A_MINUTE = 60
LISTS = {"flows": "flows", "held": "held"}


@require_POST
@member
def switch(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Pause or resume, and go back to where the switch was; where something is held, it is asked about first."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    back = posted.text(request.POST, "back", limit=10)
    if posted.text(request.POST, "to") == "paused":
        publish.pause(flow)
        messages.success(request, f"“{flow.name}” is paused. What arrives is held, nothing is lost.")
    elif held.count(flow):
        return redirect(f"{reverse('resume-flow', args=(flow.pk,))}?back={'flow' if back == 'flow' else 'flows'}")
    else:
        publish.resume(flow)
        messages.success(request, f"“{flow.name}” is live again.")
    return _back(flow, back)


def _back(flow: Flow, back: str) -> HttpResponse:
    return redirect("flow", flow.pk) if back == "flow" else redirect(LISTS.get(back, "flows"))


@require_http_methods(["GET", "POST"])
@member
def resume(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Ask what becomes of what the pause held, and do it."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    error = ""
    if request.method == "POST":
        try:
            messages.success(request, f"“{flow.name}” is live again. {_do(request, flow)}")
            return _back(flow, posted.text(request.POST, "back", limit=10))
        except RelayError as refused:
            error = str(refused)
    context = {
        "flow": flow,
        "count": held.count(flow),
        "per_minute": posted.text(request.POST, "per_minute", limit=6) or A_MINUTE,
        "back": posted.text(request.POST or request.GET, "back", limit=10),
        "error": error,
        "place": "flows",
    }
    return render(request, "flows/resume.html", context, status=422 if error else 200)


def _do(request: WorkspaceRequest, flow: Flow) -> str:
    match posted.text(request.POST, "do"):
        case "all":
            return f"{_runs(publish.resume(flow))} on the way."
        case "pace":
            number = posted.text(request.POST, "per_minute", limit=6).strip()
            per_minute = int(number) if number.isascii() and number.isdigit() else 0
            return f"{_runs(publish.release(flow, per_minute=per_minute))} released, {per_minute} a minute."
        case "discard":
            return f"{_runs(publish.discard(flow))} discarded: each is cancelled, and can be replayed."
    raise RelayError("Choose what becomes of what is held")


def _runs(number: int) -> str:
    return f"{number} held run{' is' if number == 1 else 's are'}"
