"""Starts a flow by hand with its form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from relay.engine.intake import internal_events
from relay.errors import DocumentFaults, RelayError
from relay.flows.document import TriggerSettings
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data


@require_http_methods(["GET", "POST"])
@member
def start(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Show the form of a flow, and start the flow with the posted values."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    trigger = internal_events.trigger_of(flow)
    if trigger.kind != "manual":
        messages.error(request, "This flow doesn't start by hand. Choose that in its trigger, then publish.")
        return redirect("flow", flow.pk)
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    if request.method == "POST":
        values = {field.name: form_data.text(request.POST, f"in.{field.name}") for field in trigger.inputs}
        try:
            run = internal_events.start_by_hand(flow, values).runs.first()
            return redirect("run", run.pk) if run else _captured(request, flow.pk)
        except DocumentFaults as error:
            faults = {fault.path: fault.message for fault in error.faults}
        except RelayError as error:
            faults = {"": str(error)}
    context = {"flow": flow, "fields": _fields(trigger, values, faults), "fault": faults.get("", ""), "place": "flows"}
    return render(request, "flows/start.html", context, status=422 if faults else 200)


def _captured(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    messages.success(request, "The event was captured, because the flow is a draft. You can use it to build the flow.")
    return redirect("flow", flow_id)


def _fields(trigger: TriggerSettings, values: dict[str, Any], faults: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "input": field,
            "value": values.get(field.name, _text(field.default)),
            "fault": faults.get(field.name, ""),
            "options": [("true", "Yes"), ("false", "No")]
            if field.kind == "boolean"
            else [(option, option) for option in field.options],
        }
        for field in trigger.inputs
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
