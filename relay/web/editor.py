"""The editor: a flow's cards and the open card's form; every button carries the open form along."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url

from relay.errors import DocumentFaults, RelayError
from relay.models import Flow
from relay.web import desk, drafts, posted, stepforms
from relay.web.access import WorkspaceRequest, member
from relay.web.acts import UNDO, Act, perform


@require_GET
@member
def show(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    open_id = posted.text(request.GET, "step") or "trigger"
    return _page(request, flow, open_id, request.GET)


def _page(request: WorkspaceRequest, flow: Flow, open_id: str, query: Mapping[str, object]) -> HttpResponse:
    """The editor; `check`, `pick` and `undo` in the address ask for the faults, the catalogue and the way back."""
    made = desk.desk(flow, open_id, checked="check" in query)
    made.picking = "pick" in query
    undo = request.session.get(UNDO) if UNDO in query else None
    if not isinstance(undo, dict) or undo.get("flow") != flow.pk:
        undo = None
    context = {"desk": made, "flow": flow, "undo": undo, "place": "flows"}
    return render(request, "flows/_editor.html" if request.htmx else "flows/editor.html", context)


@require_POST
@member
def edit(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Save the open form, do what the button says, and show the editor again."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    words = posted.text(request.POST, "do", limit=500).split(" ")
    act = Act(request, flow, drafts.copied(flow.draft), request.POST.copy())
    try:
        act.open_id = stepforms.apply(act.document, act.data)
        perform(act, words[0], words[1:])
    except DocumentFaults as error:
        act.query["check"] = "1"
        messages.error(request, _stops(len(error.faults)))
    except RelayError as error:
        messages.error(request, str(error))
    return _answer(request, flow, act)


def _stops(count: int) -> str:
    return f"It can't be published yet: {count} thing{'s need' if count > 1 else ' needs'} a look."


def _answer(request: WorkspaceRequest, flow: Flow, act: Act) -> HttpResponse:
    query = {"step": act.open_id, **act.query}
    address = f"{reverse('flow', args=(flow.pk,))}?{urlencode(query)}"
    if not request.htmx:
        return redirect(address)
    response = _page(request, flow, act.open_id, query)
    return push_url(response, address)
