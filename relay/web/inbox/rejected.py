"""Shows and discards rejected requests."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from relay import ids
from relay.engine.intake import rejections
from relay.models import Flow, Why
from relay.models.json_layout import pretty
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import confirmation, form_data, state_labels, times

PAGE = 100
_LARGE_FIELDS = ("body", "headers", "query")


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    """Show the newest rejected requests, optionally of one flow or one reason."""
    flow = _flow(request, request.GET.get("flow", ""))
    why = form_data.text(request.GET, "why", limit=10)
    rejected = request.workspace.rejections.select_related("flow").defer(*_LARGE_FIELDS)
    unkept = request.workspace.unkept.select_related("flow").order_by("-last_at")
    if flow is not None:
        rejected, unkept = rejected.filter(flow=flow), unkept.filter(flow=flow)
    kinds = sorted(set(rejected.order_by().values_list("why", flat=True).distinct()))
    if why in Why.values:
        rejected = rejected.filter(why=why)
    rows = [{"one": row, "when": times.created_at(row.pk)} for row in rejected.order_by("-id")[:PAGE]]
    context = {
        "rows": rows,
        "full": len(rows) == PAGE,
        "unkept": unkept[:PAGE],
        "chips": [{"why": kind, "look": state_labels.look("why", kind)} for kind in kinds],
        "why": why,
        "flow": flow,
        "kept": rejections.MAX_KEPT,
        "days": int(rejections.KEPT_SECONDS // 86_400),
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
    """Show one rejected request, with the stored part of its headers and body."""
    rejection = get_object_or_404(request.workspace.rejections.select_related("flow"), pk=rejection_id)
    body = bytes(rejection.body)
    context: dict[str, Any] = {
        "one": rejection,
        "when": times.created_at(rejection.pk),
        "look": state_labels.look("why", rejection.why),
        "body": pretty(form_data.clean(body.decode("utf-8", "replace"))),
        "cut": rejection.size if body and rejection.size is not None and rejection.size > len(body) else None,
        "place": "inbox",
    }
    return render(request, "inbox/rejection.html", context)


@require_POST
@member
def discard(request: WorkspaceRequest) -> HttpResponse:
    """Delete all rejected requests, or those of one flow."""
    flow = _flow(request, form_data.text(request.POST, "flow", limit=20))
    asked = confirmation.ask(
        request,
        f"Discard the rejected requests{f' of {flow}' if flow else ''}?",
        means="They are deleted and can't be restored. They never started a run.",
        button="Discard them",
        back=_list_url(request, flow),
    )
    if asked:
        return asked
    count = rejections.discard(request.workspace, flow=flow)
    messages.success(request, f"{count} rejected request{' was' if count == 1 else 's were'} discarded.")
    return redirect(_list_url(request, flow))


def _list_url(request: HttpRequest, flow: Flow | None) -> str:
    return f"{reverse('rejected')}?flow={flow.pk}" if flow else reverse("rejected")
