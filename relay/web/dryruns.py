"""Dry runs: what a version or the draft would do with an event, and a check against all samples."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from relay.engine import dryrun
from relay.engine.eventshape import event_of
from relay.errors import DocumentFaults, RelayError
from relay.models import Flow
from relay.web import arrivals, posted, traces
from relay.web.access import WorkspaceRequest, member
from relay.web.samples import flow_of

VERSIONS = 20


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """The form, and below it what was asked for: a dry run, or a row for each sample."""
    flow = flow_of(request, flow_id)
    asked = request.POST if request.method == "POST" else request.GET
    version = posted.text(asked, "version") or "draft"
    told: dict[str, Any] = {}
    if request.method == "POST":
        told = _told(request, flow, version)
    samples = list(flow.samples.kept().defer("event"))
    context = {
        "flow": flow,
        "samples": samples,
        "kept": [(f"sample:{one.pk}", one.name) for one in samples],
        "versions": [(number, f"Version {number}") for number in _numbers(flow)],
        "version": version,
        **arrivals.choices(flow, asked),
        **told,
        "place": "flows",
    }
    return render(request, "flows/dry_run.html", context, status=422 if told.keys() & {"error", "faults"} else 200)


def _numbers(flow: Flow) -> list[int]:
    return list(flow.versions.order_by("-number").values_list("number", flat=True)[:VERSIONS])


def _told(request: WorkspaceRequest, flow: Flow, version: str) -> dict[str, Any]:
    try:
        document = dryrun.document_of(flow, version)
        if posted.text(request.POST, "do") == "check":
            return {"rows": dryrun.check_samples(document, flow.samples.kept(), dryrun.ground_of(flow))}
        event = event_of(arrivals.written_down(flow, request.POST))
        result = dryrun.tell(document, event, dryrun.ground_of(flow))
        have = set(flow.workspace.connections.values_list("name", flat=True))
        return {"trace": traces.trace(result, document, have)}
    except DocumentFaults as error:
        return {"faults": error.faults}
    except RelayError as error:
        return {"error": str(error)}
