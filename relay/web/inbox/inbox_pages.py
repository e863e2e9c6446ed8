"""Shows the built-in inbox and held runs."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from relay import ids
from relay.engine.runs import run_actions
from relay.models import HeldBy, Run, RunState
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.runs import action_labels
from relay.web.ui import event_words, form_data, times

PAGE = 100
MAX_CHANNELS = 50
UNCHANGED = 204


@require_GET
@member
def messages(request: WorkspaceRequest) -> HttpResponse:
    """Show the newest messages, of one channel or all; htmx polls for more."""
    channel = form_data.text(request.GET, "channel", limit=80)
    rows = request.workspace.inbox_messages.all()
    if channel:
        rows = rows.filter(channel=channel)
    newest_id = rows.order_by("-id").values_list("pk", flat=True).first()
    newest = ids.text(newest_id) if newest_id else ""
    if request.htmx and request.GET.get("seen") == newest:
        return HttpResponse(status=UNCHANGED)
    shown = list(rows.order_by("-id")[:PAGE])
    context = {"shown": shown, "channel": channel, "newest": newest, "place": "inbox", "tab": "messages"}
    if not request.htmx:
        context["channels"] = _channels(request)
    return render(request, "inbox/_message_list.html" if request.htmx else "inbox/messages.html", context)


def _channels(request: WorkspaceRequest) -> list[tuple[str, int]]:
    counted = request.workspace.inbox_messages.values_list("channel").annotate(Count("pk"))
    return list(counted.order_by("channel")[:MAX_CHANNELS])


@require_GET
@member
def held(request: WorkspaceRequest) -> HttpResponse:
    """Show held runs, oldest first."""
    runs = request.workspace.runs.filter(state=RunState.HELD).select_related("flow").defer("trail")
    flow = ids.row(request.GET.get("flow", ""))
    if flow is not None:
        runs = runs.filter(flow=get_object_or_404(request.workspace.flows, pk=flow))
    shown = list(runs.order_by("id")[:PAGE])
    # A run gets its title when it starts.
    words = event_words.of_events([run.event_id for run in shown if not run.title])
    rows = [_held_row(run, words.get(run.event_id, "")) for run in shown]
    paused = runs.filter(held_by=HeldBy.PAUSE)
    flows = paused.values("flow", "flow__name").annotate(count=Count("pk"), first=Min("pk")).order_by("flow__name")
    context = {"rows": rows, "flows": flows[:PAGE], "full": len(rows) == PAGE, "place": "inbox", "tab": "held"}
    return render(request, "inbox/held.html", context)


def _held_row(run: Run, words: str) -> dict[str, Any]:
    buttons = action_labels.buttons(run_actions.possible_actions(run))
    return {"run": run, "when": times.created_at(run.pk), "buttons": buttons, "words": words}
