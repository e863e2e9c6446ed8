"""The versions of a flow, each with what it changed, and the way back to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from relay.engine import publish
from relay.flows.differences import Difference, differences
from relay.models import Flow, Version
from relay.web.access import WorkspaceRequest, member

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One version. `changed`: since the one before; None for the first of all."""

    version: Version
    changed: list[Difference] | None
    is_live: bool


@require_GET
@member
def listing(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    before = request.GET.get("before", "")
    found = flow.versions.select_related("created_by").order_by("-number")
    if before.isascii() and before.isdigit():
        found = found.filter(number__lt=int(before[:9]))
    versions = list(found[: PER_PAGE + 1])
    context = {
        "flow": flow,
        "rows": rows(flow, versions)[:PER_PAGE],
        "older": versions[PER_PAGE - 1].number if len(versions) > PER_PAGE else None,
        "unpublished": unpublished(flow, flow.draft) if not before else [],
        "place": "flows",
    }
    return render(request, "flows/versions.html", context)


def rows(flow: Flow, versions: list[Version]) -> list[Row]:
    """Versions, the newest first, each told apart from the next in the list."""
    made = []
    for version, former in zip_longest(versions, versions[1:]):
        changed = differences(former.document, version.document) if former else None
        made.append(Row(version, changed, version.pk == flow.live_version_id))
    return made


def unpublished(flow: Flow, document: object) -> list[Difference]:
    """What a draft would change of the live version; nothing where there is none."""
    if flow.live_version is None or not isinstance(document, dict):
        return []
    return differences(flow.live_version.document, document)


@require_POST
@member
def restore(request: WorkspaceRequest, flow_id: int, number: int) -> HttpResponse:
    """Take a version's document as the draft; it goes live when it is published."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    version = get_object_or_404(flow.versions, number=number)
    publish.save_draft(flow, version.document)
    messages.success(request, f"The draft is as version {number} was. Look at it, then publish it.")
    return redirect("flow", flow.pk)
