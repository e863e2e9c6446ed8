"""Answers the editor's requests while somebody types: previews, saves, and whether an event has arrived."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import replace_url, reswap, trigger_client_event

from relay.errors import RelayError
from relay.models import Flow
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.editor import draft_saving, editor_page, pasted_command
from relay.web.flows import data_source
from relay.web.ui import form_data

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
    chosen = form_data.text(request.POST, data_source.PARAMETER, limit=40)
    page = editor_page.build_page(flow, edited.open_id, document=edited.document, has_counts=False, chosen=chosen)
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
def data(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Render the data of the chosen event. The address of the page follows, and so do the previews of the form."""
    return _data(request, get_object_or_404(request.workspace.flows, pk=flow_id))


def _data(request: WorkspaceRequest, flow: Flow) -> HttpResponse:
    step = form_data.text(request.GET, "step", limit=100) or "trigger"
    chosen = form_data.text(request.GET, data_source.PARAMETER, limit=40)
    page, find = (
        editor_page.build_page(flow, step, chosen=chosen),
        form_data.text(request.GET, "find", limit=100).strip(),
    )
    if request.htmx and "find" in request.GET:
        context = {"page": page, "flow": flow, "find": find, "found": page.search(find) if find else []}
        return render(request, "flows/_data_tree.html", context)
    address = f"{reverse('flow', args=(flow.pk,))}?{urlencode({'step': step})}{page.data.pin}"
    if not request.htmx:
        return redirect(address)
    response = render(request, "flows/_event_data.html", {"page": page, "flow": flow})
    return trigger_client_event(replace_url(response, address), "arrived")


@require_GET
@member
def arrivals(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Count the events that are newer than the page. They don't replace the event that the page shows."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    count, newest = data_source.count_newer(flow, form_data.text(request.GET, "after", limit=13))
    if not count:
        return HttpResponse(status=UNCHANGED)
    if not form_data.text(request.GET, data_source.PARAMETER, limit=40):
        return _data(request, flow)  # the page waits for the first event
    context = {"count": count, "newest": newest, "flow": flow, "step": form_data.text(request.GET, "step", limit=100)}
    context["full"] = count == data_source.MAX_COUNTED_NEWER
    return render(request, "flows/_newer_events.html", context)
