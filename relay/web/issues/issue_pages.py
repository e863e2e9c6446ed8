"""Shows issues, and handles the actions on them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from relay import ids
from relay.engine.alerts import alerts, issues
from relay.errors import RelayError
from relay.models import Issue, IssueState
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.issues import issue_rows
from relay.web.ui import form_data

_ACTIONS: dict[str, Any] = {
    "resolve": (issues.resolve, "Issue resolved. The same failure opens it again and sends an alert."),
    "mute": (issues.mute, "Issue muted. Failures are still counted, but send no alerts."),
    "unmute": (issues.unmute, "Issue open again."),
}


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in IssueState.values else IssueState.OPEN.value
    number = ids.row(request.GET.get("flow", ""))
    flow = (
        get_object_or_404(request.workspace.flows.only("workspace", "name"), pk=number) if number is not None else None
    )
    context = {
        "rows": issue_rows.rows(request.workspace, state, number),
        "chips": issue_rows.chips(request.workspace, number),
        "state": state,
        "flow": flow,
        "page": issue_rows.PAGE,
        "place": "issues",
    }
    return render(request, "issues/list.html", context)


@require_GET
@member
def show(request: WorkspaceRequest, issue_id: int) -> HttpResponse:
    issue = _get_issue(request, issue_id)
    return render(request, "issues/show.html", {"row": issue_rows.IssueRow(issue), "issue": issue, "place": "issues"})


@require_POST
@member
def act(request: WorkspaceRequest, issue_id: int) -> HttpResponse:
    """Resolve, mute or unmute an issue. `back`: `list` to return to the list."""
    issue = _get_issue(request, issue_id)
    try:
        action, message = _ACTIONS[form_data.text(request.POST, "do")]
        action(issue)
        messages.success(request, message)
    except KeyError:
        messages.error(request, "Choose what to do with the issue.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("issues") if form_data.text(request.POST, "back") == "list" else redirect("issue", issue.pk)


def _get_issue(request: WorkspaceRequest, issue_id: int) -> Issue:
    return get_object_or_404(request.workspace.issues.select_related("flow", "workspace"), pk=issue_id)


@require_POST
@member
def choose_flow(request: WorkspaceRequest) -> HttpResponse:
    """Choose the flow that receives alerts, or none."""
    flow_id = form_data.text(request.POST, "flow", limit=18)
    flow = None
    if flow_id.isascii() and flow_id.isdigit():
        flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=int(flow_id))
    try:
        alerts.set_alert_flow(request.workspace, flow)
        messages.success(request, f"“{flow}” now receives alerts." if flow else "No flow receives alerts.")
    except RelayError as error:
        messages.error(request, f"{error}.")
    return redirect("workspace")
