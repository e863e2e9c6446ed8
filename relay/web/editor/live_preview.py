"""Answers the editor's requests while somebody types: previews, saves, and whether an event has arrived."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap, trigger_client_event

from relay.errors import RelayError
from relay.models import Flow
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.editor import draft_saving, editor_page, pasted_command

UNCHANGED = 204


@sensitive_post_parameters(pasted_command.FIELD)
@require_POST
@member
def preview(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Render every field of the posted form; nothing is saved."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    if "form" not in request.POST:
        return HttpResponse(status=UNCHANGED)
    try:
        edited = draft_saving.read(flow, request.POST)
    except RelayError:
        return HttpResponse(status=UNCHANGED)  # the save that follows reports the error
    if edited.gone:
        return HttpResponse(status=UNCHANGED)
    return _fragments(request, flow, edited)


@sensitive_post_parameters(pasted_command.FIELD)
@require_POST
@member
def save(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Save the posted form into the draft, and update the page around it, or say why it can't be saved."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    try:
        edited = draft_saving.save(flow, request.POST, by=request.user)
    except RelayError as fault:
        return unsaved(request, flow, error=str(fault))
    if edited.is_blocked:
        return unsaved(request, flow, blocked=edited)
    base = draft_saving.next_base(flow, edited, request.POST)
    return _fragments(request, flow, edited, base=base)


def unsaved(
    request: WorkspaceRequest, flow: Flow, *, error: str = "", blocked: draft_saving.EditedDraft | None = None
) -> HttpResponse:
    """Show in the head and the form that nothing was saved, and why. What was typed stays on the page."""
    context = {"flow": flow, "error": error or "others changed the same values", "blocked": blocked}
    if blocked is not None:
        context["why"] = draft_saving.blocked_reasons(flow, blocked, request.user)
    return reswap(render(request, "flows/_save_conflict.html", context), "none")


def _fragments(
    request: WorkspaceRequest,
    flow: Flow,
    edited: draft_saving.EditedDraft,
    *,
    base: draft_saving.FormBase | None = None,
) -> HttpResponse:
    page = editor_page.build_page(flow, edited.open_id, document=edited.document, has_counts=False)
    # The form that was posted lacks the empty row that a form has after its filled ones.
    shown = [one for one in page.form.shown() if one.is_in(request.POST)] if page.form else []
    context = {
        "page": page,
        "shown_fields": shown,
        "flow": flow,
        "is_saved": base is not None,
        "base": base,
        "others": edited.others,
    }
    return render(request, "flows/_live_updates.html", context)


@require_GET
@member
def arrivals(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Render the data of the last event, if the page doesn't have it yet."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    last_event = flow.events.order_by("-id").only("id").first()
    if (last_event.ref if last_event else "") == request.GET.get("seen", ""):
        return HttpResponse(status=UNCHANGED)
    page = editor_page.build_page(flow, request.GET.get("step", "trigger"))
    response = render(request, "flows/_event_data.html", {"page": page, "flow": flow})
    # The open form's previews are of the event before.
    return trigger_client_event(response, "arrived")
