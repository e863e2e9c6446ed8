"""Lists the versions of a flow with their changes, and restores one as the draft."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from relay.engine.configuration import flow_lifecycle
from relay.flows.diff import Difference, differences
from relay.models import Flow, Version
from relay.web.auth.access import WorkspaceRequest, member

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version. `changed`: the differences from the version before; None for the first version."""

    version: Version
    changed: list[Difference] | None
    is_live: bool


@require_GET
@member
def listing(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    before = request.GET.get("before", "")
    versions_of_flow = flow.versions.select_related("created_by").order_by("-number")
    if before.isascii() and before.isdigit():
        versions_of_flow = versions_of_flow.filter(number__lt=int(before[:9]))
    versions = list(versions_of_flow[: PER_PAGE + 1])
    context = {
        "flow": flow,
        "rows": rows(flow, versions)[:PER_PAGE],
        "older": versions[PER_PAGE - 1].number if len(versions) > PER_PAGE else None,
        "unpublished": unpublished(flow, flow.draft) if not before else [],
        "place": "flows",
    }
    return render(request, "flows/versions.html", context)


def rows(flow: Flow, versions: list[Version]) -> list[VersionRow]:
    """Return rows of versions, newest first, each compared with the next one in the list."""
    version_rows = []
    for version, previous in zip_longest(versions, versions[1:]):
        changed = differences(previous.document, version.document) if previous else None
        version_rows.append(VersionRow(version, changed, version.pk == flow.live_version_id))
    return version_rows


def unpublished(flow: Flow, document: object) -> list[Difference]:
    """Return what a draft would change in the live version; nothing if there is none."""
    if flow.live_version is None or not isinstance(document, dict):
        return []
    return differences(flow.live_version.document, document)


@require_POST
@member
def restore(request: WorkspaceRequest, flow_id: int, number: int) -> HttpResponse:
    """Replace the draft with the document of a version. It goes live when it is published."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    version = get_object_or_404(flow.versions, number=number)
    flow_lifecycle.save_draft(flow, version.document, by=request.user)
    messages.success(request, f"Draft replaced with version {number}. Check it, then publish it.")
    return redirect("flow", flow.pk)
