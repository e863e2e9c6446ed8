"""What the editor asks while somebody types: live previews, saving, and whether an event has arrived."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from relay.engine import publish
from relay.errors import RelayError
from relay.models import Flow
from relay.web import desk, drafts, stepforms
from relay.web.access import WorkspaceRequest, member

UNCHANGED = 204


@require_POST
@member
def preview(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Every field of the posted form as it would render now; nothing is saved."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    return _fragments(request, flow, is_saved=False)


@require_POST
@member
def save(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Keep the posted form in the draft, and show what changed around it."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    return _fragments(request, flow, is_saved=True)


def _fragments(request: WorkspaceRequest, flow: Flow, *, is_saved: bool) -> HttpResponse:
    document = drafts.copied(flow.draft)
    error = ""
    try:
        open_id = stepforms.apply(document, request.POST)
        if is_saved:
            publish.save_draft(flow, document)
    except RelayError as fault:
        open_id, error = "trigger", str(fault)
    context = {
        "desk": desk.desk(flow, open_id, document=document),
        "flow": flow,
        "is_saved": is_saved and not error,
        "error": error,
    }
    return render(request, "flows/_typed.html", context)


@require_GET
@member
def arrivals(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """The last event's data, when it isn't the one the page has."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    last = flow.events.order_by("-id").only("id").first()
    if (last.ref if last else "") == request.GET.get("seen", ""):
        return HttpResponse(status=UNCHANGED)
    made = desk.desk(flow, request.GET.get("step", "trigger"))
    response = render(request, "flows/_data.html", {"desk": made, "flow": flow})
    # The open form's previews were made for the event before.
    return trigger_client_event(response, "arrived")
