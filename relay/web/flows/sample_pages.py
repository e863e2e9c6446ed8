"""Adds, renames, removes and restores the samples of a flow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine.configuration import samples
from relay.engine.files import downloads
from relay.engine.intake import sample_events
from relay.engine.intake.event_data import EventData
from relay.errors import RelayError
from relay.models import Flow, Sample
from relay.models.json_layout import pretty
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.flows import event_picker
from relay.web.ui import form_data, payload_tree

UNDO = "sample-undo"  # in the session: the last change


def flow_of(request: WorkspaceRequest, flow_id: int) -> Flow:
    return get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)


@require_http_methods(["GET", "POST"])
@member
def listing(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow, error = flow_of(request, flow_id), ""
    if request.method == "POST":
        try:
            sample = samples.add(
                flow, form_data.text(request.POST, "name"), event_picker.chosen_event(flow, request.POST, request.FILES)
            )
            messages.success(request, f"Sample “{sample}” added.")
            return redirect("samples", flow.pk)
        except RelayError as fault:
            error = str(fault)
    context = {
        "flow": flow,
        "samples": list(flow.samples.kept().defer("event")),
        "most": samples.MAX_SAMPLES,
        "undo": _undo(request, flow),
        "error": error,
        **event_picker.choices(flow, request.POST),
        "name": form_data.text(request.POST, "name"),
        "place": "flows",
    }
    return render(request, "flows/samples.html", context, status=422 if error else 200)


def _undo(request: WorkspaceRequest, flow: Flow) -> dict[str, Any] | None:
    """Return the last change of a sample of this flow, if the query offers to undo it."""
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
            return _change(request, flow, sample)
        except RelayError as fault:
            error = str(fault)
    event = EventData.from_json(sample.event)
    context = {
        "flow": flow,
        "sample": sample,
        "error": error,
        "name": form_data.text(request.POST, "name") or sample.name,
        "event": event,
        "headers": sample.event.get("headers") or {},
        "arrived": payload_tree.event_tree_of(event),
        "files": downloads.of_sample(event.content_type, event.body),
        "raw": "" if "body_base64" in sample.event else pretty(event.body.decode("utf-8", "replace")),
        "place": "flows",
    }
    return render(request, "flows/sample.html", context, status=422 if error else 200)


def _change(request: WorkspaceRequest, flow: Flow, sample: Sample) -> HttpResponse:
    """Send a sample to the flow; or rename or remove it, and offer to undo that."""
    if form_data.text(request.POST, "do") == "send":
        event = sample_events.send_sample(flow, event=sample.event)
        run = event.runs.order_by("pk").first()
        messages.success(request, f"“{sample}” was sent to the flow.")
        return redirect("run", run.pk) if run is not None else redirect("flow", flow.pk)
    undo = {"flow": flow.pk, "sample": sample.pk, "name": sample.name}
    if form_data.text(request.POST, "do") == "remove":
        samples.remove(sample)
        undo["what"] = f"“{sample}” was removed."
    else:
        samples.rename(sample, form_data.text(request.POST, "name"))
        undo["what"] = f"Renamed to “{sample}”."
    request.session[UNDO] = undo
    return redirect(f"{reverse('samples', args=(flow.pk,))}?undo=1")


@require_POST
@member
def undo(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Undo the last change: a new name or a removal."""
    flow, former = flow_of(request, flow_id), request.session.pop(UNDO, None) or {}
    sample = flow.samples.filter(pk=former.get("sample") or 0).first() if former.get("flow") == flow.pk else None
    try:
        if sample is None:
            raise RelayError("There is nothing left to undo")
        if sample.removed_at is not None:
            samples.restore(sample)
        else:
            samples.rename(sample, former["name"])
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("samples", flow.pk)
