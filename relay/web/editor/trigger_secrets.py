"""Adds, expires and removes the secrets of a trigger. An entered secret is never shown again."""

from __future__ import annotations

from datetime import date, datetime, time

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine.configuration import trigger_secrets
from relay.errors import RelayError
from relay.models import Flow, TriggerSecret
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.editor import draft_edits
from relay.web.editor.sender_choice import Sender
from relay.web.ui import confirmation, form_data
from relay.web.workspace.connection_pages import field_row, posted_values


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def listing(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """List the secrets of a flow's trigger, and add one."""
    flow = get_object_or_404(request.workspace.flows.select_related("trigger"), pk=flow_id)
    error = ""
    if request.method == "POST":
        try:
            values = posted_values(trigger_secrets.fields(flow), request.POST)
            trigger_secrets.add(flow, values, until=_expiry(request))
        except RelayError as refused:
            error = str(refused)
        else:
            messages.success(request, "Secret added and sealed. It is valid from now on.")
            return redirect("secrets", flow.pk)
    return _page(request, flow, error=error)


def _page(request: WorkspaceRequest, flow: Flow, *, error: str = "", seen: TriggerSecret | None = None) -> HttpResponse:
    context = {
        "flow": flow,
        "sender": Sender(flow, draft_edits.editable_copy(flow.draft)["trigger"]),
        "fields": [field_row(field, {}, {}) for field in trigger_secrets.fields(flow)],
        "most": trigger_secrets.MAX_SECRETS,
        "error": error,
        "seen": seen,
        "value": next(iter(seen.unseal().values()), "") if seen else "",
        "place": "flows",
    }
    return render(request, "flows/secrets.html", context, status=422 if error else 200)


def _expiry(request: WorkspaceRequest) -> datetime | None:
    """Return the end of the chosen day, or None."""
    text = form_data.text(request.POST, "until", limit=10).strip()
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.max, timezone.get_current_timezone())
    except ValueError:
        raise RelayError("The last day is a date, as 2026-01-31") from None


@require_POST
@member
def remove_former(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Remove the secrets of former senders."""
    flow = get_object_or_404(request.workspace.flows.select_related("trigger", "live_version"), pk=flow_id)
    asked = confirmation.ask(
        request,
        "Remove the secrets of former senders?",
        means="They are deleted and can't be restored. The flow does not use them now.",
        button="Remove them",
        back=reverse("secrets", args=(flow.pk,)),
    )
    if asked:
        return asked
    count = trigger_secrets.remove_former(flow)
    messages.success(request, f"{count} secret{' was' if count == 1 else 's were'} removed.")
    return redirect("secrets", flow.pk)


@never_cache
@require_POST
@member
def act(request: WorkspaceRequest, flow_id: int, secret_id: int) -> HttpResponse:
    """Expire a secret today or on a day, remove it, or show one that a sender set by a handshake."""
    flow = get_object_or_404(request.workspace.flows.select_related("trigger"), pk=flow_id)
    secret = get_object_or_404(flow.trigger.secrets, pk=secret_id)
    match form_data.text(request.POST, "do", limit=10):
        case "show" if secret.by_handshake:
            return _page(request, flow, seen=secret)
        case "end":
            try:
                trigger_secrets.end(secret, _expiry(request))
            except RelayError as error:
                return _page(request, flow, error=str(error))
            messages.success(request, "Expiry date saved.")
        case "remove":
            asked = confirmation.ask(
                request,
                "Remove this secret?",
                means="It is deleted and can't be restored. Requests that are signed with it are refused from now on.",
                button="Remove the secret",
                back=reverse("secrets", args=(flow.pk,)),
            )
            if asked:
                return asked
            trigger_secrets.remove(secret)
            messages.success(request, "Secret removed.")
    return redirect("secrets", flow.pk)
