"""The workspace: for how long it keeps what arrived, and how much the installation stores."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine import alerts, mailing, members, retention
from relay.engine.storage import storage
from relay.errors import RelayError
from relay.web import posted
from relay.web.access import WorkspaceRequest, member
from relay.web.middleware import CHOSEN


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    workspace, error = request.workspace, ""
    days = posted.text(request.POST, "days", limit=6).strip()
    zone = posted.text(request.POST, "timezone", limit=64).strip()
    if request.method == "POST":
        try:
            if "name" in request.POST:
                members.rename(workspace, posted.text(request.POST, "name", limit=100))
            if "timezone" in request.POST:
                retention.tell_time(workspace, zone=zone)
            retention.keep(workspace, days=int(days) if days.isascii() and days.isdigit() else -1)
            messages.success(request, "Saved. What is too old now is removed little by little.")
            return redirect("workspace")
        except RelayError as refused:
            error = str(refused)
    context = {
        "days": days if error else workspace.retention_days,
        "timezone": zone if error and zone else workspace.timezone,
        "error": error,
        "storage": storage(),
        "told": alerts.who_is_told(workspace),
        "has_mail": mailing.is_on(),
        "flows": workspace.flows.filter(live_version__isnull=False).order_by("name").only("pk", "name"),
        "place": "workspace",
        "tab": "general",
    }
    return render(request, "workspace/general.html", context, status=422 if error else 200)


@require_POST
@member
def create(request: WorkspaceRequest) -> HttpResponse:
    """Make a further workspace, and go there."""
    try:
        made = members.create_workspace(posted.text(request.POST, "name", limit=100), by=request.user)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("workspace")
    request.session[CHOSEN] = made.pk
    messages.success(request, f"“{made.name}” is made, and open. Switch between workspaces in the menu at the top.")
    return redirect("flows")
