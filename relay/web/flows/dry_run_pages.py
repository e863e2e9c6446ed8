"""Runs a version or the draft dry with an event, or checks it against all samples."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from relay.engine.dry_run import dry_runs
from relay.engine.intake.event_data import EventData
from relay.errors import DocumentFaults, RelayError
from relay.models import Flow, Role
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.flows import dry_run_trace, event_picker
from relay.web.flows.sample_pages import flow_of
from relay.web.ui import form_data

MAX_VERSIONS = 20
MAX_IN_ADDRESS = 6_000  # characters
_FIELDS = ("do", "version", "event", "kind", "body")


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Show the form, and the result of a posted one: a dry run, or a row for each sample."""
    flow = flow_of(request, flow_id)
    data = request.POST if request.method == "POST" else request.GET
    if request.method == "POST" and (address := _address(request)):
        return redirect(address)
    version = form_data.text(data, "version") or "draft"
    result: dict[str, Any] = {}
    if "do" in data and request.role.allows(Role.EDITOR):
        result = _result(request, data, flow, version)
    samples = list(flow.samples.kept().defer("event"))
    context = {
        "flow": flow,
        "samples": samples,
        "kept": [(f"sample:{sample.pk}", sample.name) for sample in samples],
        "versions": [(number, f"Version {number}") for number in _version_numbers(flow)],
        "version": version,
        **event_picker.choices(flow, data),
        **result,
        "place": "flows",
    }
    return render(request, "flows/dry_run.html", context, status=422 if result.keys() & {"error", "faults"} else 200)


def _address(request: WorkspaceRequest) -> str:
    """Return the address of a posted form's result, so that it can be opened again; "" if it would be too
    long, or the event is a form with a file."""
    values = {name: form_data.text(request.POST, name, limit=MAX_IN_ADDRESS + 1) for name in _FIELDS}
    values["do"] = values["do"] or "run"
    address = urlencode({name: value for name, value in values.items() if value and _is_used(name, values)})
    fits = len(address) <= MAX_IN_ADDRESS and (values["do"] == "check" or values["event"] != "form")
    return f"{request.path}?{address}" if fits else ""


def _is_used(name: str, values: dict[str, str]) -> bool:
    """Return whether the result depends on a field."""
    if values["do"] == "check":
        return name in ("do", "version")
    return name not in ("kind", "body") or values["event"] == "paste"


def _version_numbers(flow: Flow) -> list[int]:
    return list(flow.versions.order_by("-number").values_list("number", flat=True)[:MAX_VERSIONS])


def _result(request: WorkspaceRequest, data: QueryDict, flow: Flow, version: str) -> dict[str, Any]:
    try:
        document = dry_runs.document_of(flow, version)
        if form_data.text(data, "do") == "check":
            return {"rows": dry_runs.check_samples(document, flow, dry_runs.context_for(flow))}
        event = EventData.from_json(event_picker.chosen_event(flow, data, request.FILES))
        dry_run = dry_runs.run(document, event, dry_runs.context_for(flow))
        connections = set(flow.workspace.connections.values_list("name", flat=True))
        return {"trace": dry_run_trace.build_trace(dry_run, document, connections)}
    except DocumentFaults as error:
        return {"faults": error.faults}
    except RelayError as error:
        return {"error": str(error)}
