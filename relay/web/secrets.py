"""The secrets of a trigger: added, ended and removed; what was entered is never shown again."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine import secrets
from relay.errors import RelayError
from relay.models import Flow, TriggerSecret
from relay.web import drafts, posted
from relay.web.access import WorkspaceRequest, member
from relay.web.connections import entered, shown
from relay.web.senders import Sender


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def listing(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """The secrets of a flow's trigger, and the form for one more."""
    flow = get_object_or_404(request.workspace.flows.select_related("trigger"), pk=flow_id)
    error = ""
    if request.method == "POST":
        try:
            secrets.add(flow, entered(secrets.fields(flow), request.POST, {}), until=_end(request))
        except RelayError as refused:
            error = str(refused)
        else:
            messages.success(request, "The secret is kept, sealed. It counts from now on.")
            return redirect("secrets", flow.pk)
    return _page(request, flow, error=error)


def _page(request: WorkspaceRequest, flow: Flow, *, error: str = "", seen: TriggerSecret | None = None) -> HttpResponse:
    context = {
        "flow": flow,
        "sender": Sender(flow, drafts.copied(flow.draft)["trigger"]),
        "fields": [shown(field, {}, {}) for field in secrets.fields(flow)],
        "most": secrets.MOST,
        "error": error,
        "seen": seen,
        "value": next(iter(seen.unseal().values()), "") if seen else "",
        "place": "flows",
    }
    return render(request, "flows/secrets.html", context, status=422 if error else 200)


def _end(request: WorkspaceRequest) -> datetime | None:
    """The end of the day that was chosen, or None."""
    text = posted.text(request.POST, "until", limit=10).strip()
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        raise RelayError("The last day is a date, as 2026-01-31") from None


@require_POST
@member
def remove_former(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Forget the secrets of former senders."""
    flow = get_object_or_404(request.workspace.flows.select_related("trigger", "live_version"), pk=flow_id)
    gone = secrets.remove_former(flow)
    messages.success(request, f"Removed: {gone} of former senders.")
    return redirect("secrets", flow.pk)


@never_cache
@require_POST
@member
def act(request: WorkspaceRequest, flow_id: int, secret_id: int) -> HttpResponse:
    """End a secret, today or on a day, remove it, or show one that a sender brought."""
    flow = get_object_or_404(request.workspace.flows.select_related("trigger"), pk=flow_id)
    secret = get_object_or_404(flow.trigger.secrets, pk=secret_id)
    match posted.text(request.POST, "do", limit=10):
        case "show" if secret.by_handshake:
            return _page(request, flow, seen=secret)
        case "end":
            try:
                secrets.end(secret, _end(request))
            except RelayError as error:
                return _page(request, flow, error=str(error))
            messages.success(request, "The secret has its end.")
        case "remove":
            secrets.remove(secret)
            messages.success(request, "The secret is removed.")
    return redirect("secrets", flow.pk)
