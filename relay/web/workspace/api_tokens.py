"""Creates, lists and revokes the API tokens of a workspace."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine.people import api_tokens
from relay.errors import RelayError
from relay.models import Scope
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import confirmation, form_data

DEFAULT_DAYS = 90


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    """List the tokens, or create one, which is shown only in this response."""
    new_token = error = ""
    if request.method == "POST":
        try:
            new_token = _create(request)
        except RelayError as refused:
            error = str(refused)
    context = {
        "tokens": api_tokens.list_tokens(request.workspace),
        "link": new_token,
        "says": "Copy the token now and store it with your program's secrets: it is not shown again.",
        "error": error,
        "name": "" if new_token else form_data.text(request.POST, "name", limit=100),
        "days": form_data.text(request.POST, "days", limit=4) or DEFAULT_DAYS,
        "scopes": Scope.choices,
        "api": f"{settings.PUBLIC_URL}/api/v1",
        "place": "workspace",
        "tab": "tokens",
    }
    return render(request, "workspace/tokens.html", context, status=422 if error else 200)


def _create(request: WorkspaceRequest) -> str:
    days, scope = form_data.text(request.POST, "days", limit=4).strip(), form_data.text(request.POST, "scope", limit=10)
    if scope not in Scope.values:
        raise RelayError("Choose what the token may do")
    number = int(days) if days.isascii() and days.isdigit() else -1
    name = form_data.text(request.POST, "name", limit=101)
    return api_tokens.create(request.workspace, name, Scope(scope), days=number, by=request.user)


@require_POST
@member
def revoke(request: WorkspaceRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(request.workspace.tokens, pk=token_id)
    asked = confirmation.ask(
        request,
        f"Revoke the token “{token.name}”?",
        means="Programs that use it are refused from now on. This can't be undone.",
        button="Revoke the token",
        back=reverse("tokens"),
    )
    if asked:
        return asked
    api_tokens.revoke(token)
    messages.success(request, f"“{token.name}” was revoked.")
    return redirect("tokens")
