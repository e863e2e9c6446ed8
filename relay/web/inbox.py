"""The built-in inbox, and what is held or was captured."""

from __future__ import annotations

from django.db.models import Count, Min
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from relay import ids
from relay.models import EventState, HeldBy, RunState
from relay.web import posted, times
from relay.web.access import WorkspaceRequest, member

PAGE = 100
CHANNELS = 50
UNCHANGED = 204


@require_GET
@member
def messages(request: WorkspaceRequest) -> HttpResponse:
    """The newest messages, of one channel or all; htmx asks every few seconds whether there are more."""
    channel = posted.text(request.GET, "channel", limit=80)
    found = request.workspace.inbox_messages.all()
    if channel:
        found = found.filter(channel=channel)
    shown = list(found.order_by("-id")[:PAGE])
    newest = ids.text(shown[0].pk) if shown else ""
    if request.htmx and request.GET.get("seen") == newest:
        return HttpResponse(status=UNCHANGED)
    context = {"shown": shown, "channel": channel, "newest": newest, "place": "inbox", "tab": "messages"}
    if not request.htmx:
        context["channels"] = _channels(request)
    return render(request, "inbox/_messages.html" if request.htmx else "inbox/messages.html", context)


def _channels(request: WorkspaceRequest) -> list[tuple[str, int]]:
    counted = request.workspace.inbox_messages.values_list("channel").annotate(Count("pk"))
    return list(counted.order_by("channel")[:CHANNELS])


@require_GET
@member
def held(request: WorkspaceRequest) -> HttpResponse:
    """Runs that are kept and not run, oldest first."""
    runs = request.workspace.runs.filter(state=RunState.HELD).select_related("flow")
    flow = ids.row(request.GET.get("flow", ""))
    if flow is not None:
        runs = runs.filter(flow=get_object_or_404(request.workspace.flows, pk=flow))
    rows = [{"run": run, "when": times.born(run.pk)} for run in runs.order_by("id")[:PAGE]]
    paused = runs.filter(held_by=HeldBy.PAUSE)
    flows = paused.values("flow", "flow__name").annotate(count=Count("pk"), first=Min("pk")).order_by("flow__name")
    context = {"rows": rows, "flows": flows[:PAGE], "full": len(rows) == PAGE, "place": "inbox", "tab": "held"}
    return render(request, "inbox/held.html", context)


@require_GET
@member
def captured(request: WorkspaceRequest) -> HttpResponse:
    """Events that reached a draft, newest first."""
    events = request.workspace.events.filter(state=EventState.CAPTURED).select_related("flow").defer("body", "headers")
    context = {"events": events.order_by("-id")[:PAGE], "place": "inbox", "tab": "captured"}
    return render(request, "inbox/captured.html", context)
