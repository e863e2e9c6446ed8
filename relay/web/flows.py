"""The list of flows, and what is done to a whole flow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine import publish, sampling
from relay.errors import RelayError
from relay.flows.document import document_to_json
from relay.flows.validation import parse_document
from relay.web import flowlist, issuelist, posted
from relay.web.access import WorkspaceRequest, member

NAME_LENGTH = 200


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    search = posted.text(request.GET, "q", limit=NAME_LENGTH).strip()
    rows = flowlist.rows(request.workspace, search)
    context: dict[str, Any] = {"rows": rows, "search": search, "height": flowlist.HEIGHT, "place": "flows"}
    if request.htmx:
        return render(request, "flows/_rows.html", context)
    return render(request, "flows/list.html", {**context, "banner": issuelist.banner(request.workspace)})


@require_http_methods(["GET", "POST"])
@member
def new(request: WorkspaceRequest) -> HttpResponse:
    """A flow from a name, or from a document that somebody pasted."""
    if request.method == "GET":
        return render(request, "flows/new.html", {"place": "flows"})
    name, source = posted.text(request.POST, "name").strip(), posted.text(request.POST, "document").strip()
    try:
        flow = publish.create_flow(request.workspace, _document(name, source), by=request.user)
    except RelayError as error:
        context = {"faults": str(error).splitlines(), "name": name, "source": source, "place": "flows"}
        return render(request, "flows/new.html", context, status=422)
    return redirect("flow", flow.pk)


def _document(name: str, source: str) -> dict[str, Any]:
    if source:
        return document_to_json(parse_document(source))
    if not name:
        raise RelayError("Give the flow a name, or paste a flow document")
    return {"relay": 1, "name": name[:NAME_LENGTH], "trigger": {"kind": "webhook"}, "steps": []}


@require_POST
@member
def sample(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Let a sample arrive, and show the run that came of it."""
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    body = posted.text(request.POST, "body").strip()
    try:
        event = sampling.send_sample(flow, body.encode() if body else None)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("flow", flow.pk)
    run = event.runs.first()
    if run is None:
        messages.success(request, "The sample has arrived. The flow is a draft, so it was captured: build with it.")
        return redirect("flow", flow.pk)
    return redirect("run", run.pk)


@require_POST
@member
def delete(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    if posted.text(request.POST, "sure") != flow.name:
        messages.error(request, "Type the name of the flow to remove it.")
        return redirect(reverse("flow", args=(flow.pk,)) + "?step=flow")
    publish.delete(flow)
    messages.success(request, f"“{flow.name}” is removed, with all that it received and did.")
    return redirect("flows")
