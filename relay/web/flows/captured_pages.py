"""Lists the events that reached a draft, and shows one: to keep it as a sample, or to run it now."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from relay.engine.configuration import samples
from relay.engine.files import downloads
from relay.engine.intake import body_excerpts, sample_events
from relay.engine.intake.event_json import event_to_json
from relay.errors import RelayError
from relay.models import Event, EventState, FlowState
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.runs import file_pages, run_effects
from relay.web.ui import event_words, form_data, payload_tree

PAGE = 100


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    """Show the events that a draft received, newest first."""
    events = request.workspace.events.filter(state=EventState.CAPTURED).select_related("flow").defer("body", "headers")
    shown = list(events.order_by("-id")[:PAGE])
    words = event_words.of_events([event.pk for event in shown])
    rows = [{"event": event, "words": words.get(event.pk, "")} for event in shown]
    return render(request, "inbox/captured.html", {"rows": rows, "place": "inbox", "tab": "captured"})


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, event_id: int) -> HttpResponse:
    event = _event(request, event_id)
    if request.method == "POST":
        try:
            return _act(request, event)
        except RelayError as error:
            messages.error(request, str(error))
            return redirect("captured-event", event_id)
    return render(request, "inbox/captured_event.html", _context(event))


def _event(request: WorkspaceRequest, event_id: int) -> Event:
    captured = request.workspace.events.filter(pk=event_id, state=EventState.CAPTURED)
    found = captured.select_related("flow__live_version").only("flow").first()
    event = body_excerpts.find(found.flow, event_id) if found else None
    if found is None or event is None:
        raise Http404
    event.flow = found.flow
    return event


def _context(event: Event) -> dict[str, object]:
    return {
        "event": event,
        "flow": event.flow,
        "is_live": event.flow.state is not FlowState.DRAFT,
        "event_tree": payload_tree.event_tree(event),
        "files": file_pages.rows(downloads.of_event(event)),
        "bodies": True,
        "words": event_words.of_events([event.pk]).get(event.pk, ""),
        "place": "inbox",
    }


def _act(request: WorkspaceRequest, event: Event) -> HttpResponse:
    """Keep the event as a sample, or run it through the live version, after asking."""
    flow, do = event.flow, form_data.text(request.POST, "do")
    if do == "sample":
        sample = samples.add(flow, samples.unused_name(flow, event.ref), event_to_json(event))
        messages.success(request, f"“{sample}” was added to the samples of {flow}. You can rename it here.")
        return redirect("sample", flow.pk, sample.pk)
    if do != "run":
        raise RelayError("Choose what to do with the event")
    if flow.state is FlowState.DRAFT or flow.live_version is None:
        raise RelayError("This flow is a draft. Publish it first, then run the event")
    if "sure" not in request.POST:
        effects = run_effects.effects(flow.live_version.document)
        return render(request, "inbox/run_captured.html", {**_context(event), "effects": effects})
    run = sample_events.send_sample(flow, again=event).runs.first()
    if run is None:
        raise RelayError("The event was sent, and the flow has no run for it: it may have the same key as another")
    messages.success(request, "The event was sent through the live version: this is its run.")
    return redirect("run", run.pk)
