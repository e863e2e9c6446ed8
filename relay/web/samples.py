"""The samples of a flow: kept from what arrived or was pasted, renamed, removed and taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine import samples
from relay.engine.eventshape import event_of
from relay.errors import RelayError
from relay.models import Flow, Sample
from relay.models.ledger import pretty
from relay.web import arrivals, posted, trees
from relay.web.access import WorkspaceRequest, member

UNDO = "sample-undo"


def flow_of(request: WorkspaceRequest, flow_id: int) -> Flow:
    return get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)


@require_http_methods(["GET", "POST"])
@member
def listing(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow, error = flow_of(request, flow_id), ""
    if request.method == "POST":
        try:
            sample = samples.add(flow, posted.text(request.POST, "name"), arrivals.written_down(flow, request.POST))
            messages.success(request, f"“{sample}” is kept.")
            return redirect("samples", flow.pk)
        except RelayError as fault:
            error = str(fault)
    context = {
        "flow": flow,
        "samples": list(flow.samples.kept().defer("event")),
        "most": samples.MOST,
        "undo": _undo(request, flow),
        "error": error,
        **arrivals.choices(flow, request.POST),
        "name": posted.text(request.POST, "name"),
        "place": "flows",
    }
    return render(request, "flows/samples.html", context, status=422 if error else 200)


def _undo(request: WorkspaceRequest, flow: Flow) -> dict[str, Any] | None:
    """What can be taken back of this flow, where the address asks for it."""
    undo = request.session.get(UNDO) if "undo" in request.GET else None
    return undo if isinstance(undo, dict) and undo.get("flow") == flow.pk else None


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, flow_id: int, sample_id: int) -> HttpResponse:
    flow = flow_of(request, flow_id)
    sample = get_object_or_404(flow.samples.kept(), pk=sample_id)
    error = ""
    if request.method == "POST":
        try:
            return _changed(request, flow, sample)
        except RelayError as fault:
            error = str(fault)
    event = event_of(sample.event)
    context = {
        "flow": flow,
        "sample": sample,
        "error": error,
        "name": posted.text(request.POST, "name") or sample.name,
        "event": event,
        "headers": sample.event.get("headers") or {},
        "arrived": trees.arrived_of(event),
        "raw": pretty(event.body.decode("utf-8", "replace")),
        "place": "flows",
    }
    return render(request, "flows/sample.html", context, status=422 if error else 200)


def _changed(request: WorkspaceRequest, flow: Flow, sample: Sample) -> HttpResponse:
    """Rename or remove it, and say beside the list what can be taken back."""
    undo = {"flow": flow.pk, "sample": sample.pk, "name": sample.name}
    if posted.text(request.POST, "do") == "remove":
        samples.remove(sample)
        undo["what"] = f"“{sample}” is removed."
    else:
        samples.rename(sample, posted.text(request.POST, "name"))
        undo["what"] = f"It is called “{sample}” now."
    request.session[UNDO] = undo
    return redirect(f"{reverse('samples', args=(flow.pk,))}?undo=1")


@require_POST
@member
def undo(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Take back what was done last: a name, or that a sample was removed."""
    flow, former = flow_of(request, flow_id), request.session.pop(UNDO, None) or {}
    found = flow.samples.filter(pk=former.get("sample") or 0).first() if former.get("flow") == flow.pk else None
    try:
        if found is None:
            raise RelayError("There is nothing to take back any more")
        if found.removed_at is not None:
            samples.restore(found)
        else:
            samples.rename(found, former["name"])
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("samples", flow.pk)
