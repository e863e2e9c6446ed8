"""Lists, creates and deletes flows."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine.configuration import flow_lifecycle
from relay.engine.preview import document_check
from relay.errors import RelayError
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.flows import flow_rows
from relay.web.issues import issue_rows
from relay.web.ui import form_data

MAX_NAME_CHARACTERS = 200


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    search = form_data.text(request.GET, "q", limit=MAX_NAME_CHARACTERS).strip()
    rows = flow_rows.rows(request.workspace, search)
    context: dict[str, Any] = {"rows": rows, "search": search, "height": flow_rows.HEIGHT, "place": "flows"}
    if request.htmx:
        return render(request, "flows/_flow_rows.html", context)
    return render(request, "flows/list.html", {**context, "banner": issue_rows.banner(request.workspace)})


@require_http_methods(["GET", "POST"])
@member
def new(request: WorkspaceRequest) -> HttpResponse:
    """Create a flow from a name or from a pasted document."""
    if request.method == "GET":
        return render(request, "flows/new.html", {"place": "flows"})
    name, source = form_data.text(request.POST, "name").strip(), form_data.text(request.POST, "document").strip()
    try:
        flow = flow_lifecycle.create_flow(request.workspace, _document(request, name, source), by=request.user)
    except RelayError as error:
        context = {"faults": str(error).splitlines(), "name": name, "source": source, "place": "flows"}
        return render(request, "flows/new.html", context, status=422)
    return redirect("flow", flow.pk)


def _document(request: WorkspaceRequest, name: str, source: str) -> dict[str, Any]:
    if source:
        return document_check.check(request.workspace.pk, source).document
    if not name:
        raise RelayError("Give the flow a name, or paste a flow document")
    return {"relay": 1, "name": name[:MAX_NAME_CHARACTERS], "trigger": {"kind": "webhook"}, "steps": []}


@require_POST
@member
def delete(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows, pk=flow_id)
    if form_data.text(request.POST, "sure") != flow.name:
        messages.error(request, "Type the name of the flow to remove it.")
        return redirect(reverse("flow", args=(flow.pk,)) + "?step=flow")
    flow_lifecycle.delete(flow)
    messages.success(request, f"“{flow.name}” was removed, with all its events and runs.")
    return redirect("flows")
