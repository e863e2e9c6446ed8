"""The rejected requests of the inbox: why, when and from where, and what of them was kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from relay import ids
from relay.engine import rejections
from relay.models import Flow, Why
from relay.models.ledger import pretty
from relay.web import posted, states, times
from relay.web.access import WorkspaceRequest, member

PAGE = 100
HEAVY = ("body", "headers", "query")


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    """The newest rejected requests, of one flow or all, for one kind of reason or any."""
    flow = _flow(request, request.GET.get("flow", ""))
    why = posted.text(request.GET, "why", limit=10)
    found = request.workspace.rejections.select_related("flow").defer(*HEAVY)
    unkept = request.workspace.unkept.select_related("flow").order_by("-last_at")
    if flow is not None:
        found, unkept = found.filter(flow=flow), unkept.filter(flow=flow)
    kinds = sorted(set(found.order_by().values_list("why", flat=True).distinct()))
    if why in Why.values:
        found = found.filter(why=why)
    rows = [{"one": one, "when": times.born(one.pk)} for one in found.order_by("-id")[:PAGE]]
    context = {
        "rows": rows,
        "full": len(rows) == PAGE,
        "unkept": unkept[:PAGE],
        "chips": [{"why": kind, "look": states.look("why", kind)} for kind in kinds],
        "why": why,
        "flow": flow,
        "kept": rejections.KEPT,
        "days": int(rejections.KEPT_FOR // 86_400),
        "place": "inbox",
        "tab": "rejected",
    }
    return render(request, "inbox/rejected.html", context)


def _flow(request: WorkspaceRequest, number: str) -> Flow | None:
    if not number:
        return None
    return get_object_or_404(request.workspace.flows, pk=ids.row(number) or 0)


@require_GET
@member
def show(request: WorkspaceRequest, rejection_id: int) -> HttpResponse:
    """One rejected request, with what was kept of its headers and body."""
    one = get_object_or_404(request.workspace.rejections.select_related("flow"), pk=rejection_id)
    body = bytes(one.body)
    context: dict[str, Any] = {
        "one": one,
        "when": times.born(one.pk),
        "look": states.look("why", one.why),
        "body": pretty(posted.clean(body.decode("utf-8", "replace"))),
        "cut": one.size if body and one.size is not None and one.size > len(body) else None,
        "place": "inbox",
    }
    return render(request, "inbox/rejection.html", context)


@require_POST
@member
def discard(request: WorkspaceRequest) -> HttpResponse:
    """Forget all that was rejected, or what one flow rejected."""
    flow = _flow(request, posted.text(request.POST, "flow", limit=20))
    count = rejections.discard(request.workspace, flow=flow)
    messages.success(request, f"{count} rejected request{' is' if count == 1 else 's are'} discarded.")
    return redirect(_list_of(request, flow))


def _list_of(request: HttpRequest, flow: Flow | None) -> str:
    return f"{reverse('rejected')}?flow={flow.pk}" if flow else reverse("rejected")
