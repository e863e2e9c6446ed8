"""Issues: identical failures as one, and what a person does about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from relay import ids
from relay.engine import alerts, issues
from relay.errors import RelayError
from relay.models import Issue, IssueState
from relay.web import issuelist, posted
from relay.web.access import WorkspaceRequest, member

_VERBS: dict[str, Any] = {
    "resolve": (issues.resolve, "The issue is resolved. Comes the same again, it is open again, and you are told."),
    "mute": (issues.mute, "The issue is muted: it is counted, and nobody is told."),
    "unmute": (issues.unmute, "The issue is open again."),
}


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in IssueState.values else IssueState.OPEN.value
    number = ids.row(request.GET.get("flow", ""))
    flow = get_object_or_404(request.workspace.flows.only("pk", "name"), pk=number) if number is not None else None
    context = {
        "rows": issuelist.rows(request.workspace, state, number),
        "chips": issuelist.chips(request.workspace, number),
        "state": state,
        "flow": flow,
        "page": issuelist.PAGE,
        "place": "issues",
    }
    return render(request, "issues/list.html", context)


@require_GET
@member
def show(request: WorkspaceRequest, issue_id: int) -> HttpResponse:
    issue = _found(request, issue_id)
    return render(request, "issues/show.html", {"row": issuelist.Row(issue), "issue": issue, "place": "issues"})


@require_POST
@member
def act(request: WorkspaceRequest, issue_id: int) -> HttpResponse:
    """Resolve, mute or unmute; `back` is the list's state to return to."""
    issue = _found(request, issue_id)
    try:
        verb, done = _VERBS[posted.text(request.POST, "do")]
        verb(issue)
        messages.success(request, done)
    except KeyError:
        messages.error(request, "Choose what to do with the issue.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("issues") if posted.text(request.POST, "back") == "list" else redirect("issue", issue.pk)


def _found(request: WorkspaceRequest, issue_id: int) -> Issue:
    return get_object_or_404(request.workspace.issues.select_related("flow", "workspace"), pk=issue_id)


@require_POST
@member
def choose_flow(request: WorkspaceRequest) -> HttpResponse:
    """Choose which flow is told of issues; none for an empty choice."""
    wanted = posted.text(request.POST, "flow", limit=18)
    flow = None
    if wanted.isascii() and wanted.isdigit():
        flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=int(wanted))
    try:
        alerts.choose_flow(request.workspace, flow)
        messages.success(request, f"“{flow}” is told of issues now." if flow else "No flow is told of issues.")
    except RelayError as error:
        messages.error(request, f"{error}.")
    return redirect("workspace")
