"""API tokens of a workspace: made, shown once, listed, revoked."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine import tokens
from relay.errors import RelayError
from relay.models import Scope
from relay.web import posted
from relay.web.access import WorkspaceRequest, member

DAYS = 90


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    """The tokens; a posted form makes one, which is shown this once."""
    made = error = ""
    if request.method == "POST":
        try:
            made = _create(request)
        except RelayError as refused:
            error = str(refused)
    context = {
        "tokens": tokens.listing(request.workspace),
        "link": made,
        "says": "This is the token. Put it where your program keeps its secrets.",
        "error": error,
        "name": "" if made else posted.text(request.POST, "name", limit=100),
        "days": posted.text(request.POST, "days", limit=4) or DAYS,
        "scopes": Scope.choices,
        "api": f"{settings.PUBLIC_URL}/api/v1",
        "place": "workspace",
        "tab": "tokens",
    }
    return render(request, "workspace/tokens.html", context, status=422 if error else 200)


def _create(request: WorkspaceRequest) -> str:
    days, scope = posted.text(request.POST, "days", limit=4).strip(), posted.text(request.POST, "scope", limit=10)
    if scope not in Scope.values:
        raise RelayError("Choose what the token may do")
    number = int(days) if days.isascii() and days.isdigit() else -1
    name = posted.text(request.POST, "name", limit=101)
    return tokens.create(request.workspace, name, Scope(scope), days=number, by=request.user)


@require_POST
@member
def revoke(request: WorkspaceRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(request.workspace.tokens, pk=token_id)
    tokens.revoke(token)
    messages.success(request, f"“{token.name}” is revoked: it opens nothing any more.")
    return redirect("tokens")
