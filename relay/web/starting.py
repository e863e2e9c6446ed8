"""Starting a flow by hand: its form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from relay.engine import starting
from relay.errors import DocumentFaults, RelayError
from relay.flows.document import TriggerSettings
from relay.web import posted
from relay.web.access import WorkspaceRequest, member


@require_http_methods(["GET", "POST"])
@member
def start(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Show the form of a flow, and start it with what was filled in."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    trigger = starting.trigger_of(flow)
    if trigger.kind != "manual":
        messages.error(request, "This flow doesn't start by hand. Choose that in its trigger, and publish.")
        return redirect("flow", flow.pk)
    given: dict[str, Any] = {}
    faults: dict[str, str] = {}
    if request.method == "POST":
        given = {one.name: posted.text(request.POST, f"in.{one.name}") for one in trigger.inputs}
        try:
            run = starting.by_hand(flow, given).runs.first()
            return redirect("run", run.pk) if run else _captured(request, flow.pk)
        except DocumentFaults as error:
            faults = {fault.path: fault.message for fault in error.faults}
        except RelayError as error:
            faults = {"": str(error)}
    context = {"flow": flow, "fields": _fields(trigger, given, faults), "fault": faults.get("", ""), "place": "flows"}
    return render(request, "flows/start.html", context, status=422 if faults else 200)


def _captured(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    messages.success(request, "It has arrived. The flow is a draft, so it was captured: build with it.")
    return redirect("flow", flow_id)


def _fields(trigger: TriggerSettings, given: dict[str, Any], faults: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "input": one,
            "value": given.get(one.name, _text(one.default)),
            "fault": faults.get(one.name, ""),
            "options": [("true", "Yes"), ("false", "No")]
            if one.kind == "boolean"
            else [(option, option) for option in one.options],
        }
        for one in trigger.inputs
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
