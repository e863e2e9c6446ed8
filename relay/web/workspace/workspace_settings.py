"""Shows and changes the settings of a workspace: name, time zone, retention. Creates further workspaces."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine.alerts import alerts
from relay.engine.people import mailer, members
from relay.engine.upkeep import retention, storage_usage
from relay.errors import RelayError
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data
from relay.web.ui.middleware import WORKSPACE_KEY


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    workspace, error = request.workspace, ""
    days = form_data.text(request.POST, "days", limit=6).strip()
    zone = form_data.text(request.POST, "timezone", limit=64).strip()
    if request.method == "POST":
        try:
            if "name" in request.POST:
                members.rename(workspace, form_data.text(request.POST, "name", limit=100))
            if "timezone" in request.POST:
                retention.set_timezone(workspace, zone=zone)
            retention.set_retention(workspace, days=int(days) if days.isascii() and days.isdigit() else -1)
            messages.success(request, "Saved. Older data is removed gradually.")
            return redirect("workspace")
        except RelayError as refused:
            error = str(refused)
    context = {
        "days": days if error else workspace.retention_days,
        "timezone": zone if error and zone else workspace.timezone,
        "error": error,
        "storage": storage_usage.measure(),
        "told": alerts.recipients(workspace),
        "has_mail": mailer.is_on(),
        "flows": workspace.flows.filter(live_version__isnull=False).order_by("name").only("workspace", "name"),
        "place": "workspace",
        "tab": "general",
    }
    return render(request, "workspace/general.html", context, status=422 if error else 200)


@require_POST
@member
def create(request: WorkspaceRequest) -> HttpResponse:
    """Create another workspace, and switch to it."""
    try:
        workspace = members.create_workspace(form_data.text(request.POST, "name", limit=100), by=request.user)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("workspace")
    request.session[WORKSPACE_KEY] = workspace.pk
    messages.success(
        request, f"Workspace “{workspace.name}” created. Switch between workspaces in the menu at the top."
    )
    return redirect("flows")
