"""Answers the editor's requests for the choices of a field, as HTML for the page or as JSON."""

from __future__ import annotations

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from relay.errors import RelayError
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.editor import choices as choices_of
from relay.web.editor import draft_saving
from relay.web.editor.choices import MAX_SEARCH_CHARACTERS
from relay.web.editor.steps import places
from relay.web.ui import form_data


@require_POST
@member
def choices(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """List the choices of one field of the posted form, which is not saved. `field`: its posted name.

    `find.<field>`: a text to search for; `fresh`: ask the service, also if Relay has the list still.
    """
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    name = form_data.text(request.POST, "field", limit=200)
    search = form_data.text(request.POST, f"find.{name}", limit=MAX_SEARCH_CHARACTERS).strip()
    try:
        edited = draft_saving.read(flow, request.POST)
    except RelayError as error:
        raise Http404 from error
    step = choices_of.of_step(request.workspace, places.find_step(edited.document, edited.open_id))
    shown = step.fetch(name, search=search, is_fresh="fresh" in request.POST) if step else None
    if shown is None:
        raise Http404
    if not request.htmx and "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(shown.as_json)
    return render(request, "flows/_choices.html", {"choices": shown, "flow": flow})
