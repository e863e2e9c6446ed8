"""Shows a person's own account and the browsers they are signed in with, and signs those out."""

from __future__ import annotations

import ipaddress
from typing import Any, cast
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from relay.models import User
from relay.web.ui import user_agents


@never_cache
@login_required
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    authenticators = Authenticator.objects.filter(user=user).order_by("pk")
    by_type = {authenticator.type: authenticator for authenticator in authenticators}
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "has_app": Authenticator.Type.TOTP in by_type,
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "passkeys": [
            (authenticator, authenticator.wrap().name)
            for authenticator in authenticators
            if authenticator.type == Authenticator.Type.WEBAUTHN
        ],
        "passkeys_work": passkeys_work(request),
        "sessions": sessions(request, user),
        "place": "account",
    }
    return render(request, "accounts/account.html", context)


def passkeys_work(request: HttpRequest) -> bool:
    """Return whether browsers accept passkeys at this address: a host name over HTTPS, or localhost."""
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return request.is_secure()
    return False


def sessions(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    """Return the browsers that a person is signed in with, this one first."""
    rows = [
        {"session": session, "browser": user_agents.name(session.user_agent), "here": session.is_current()}
        for session in UserSession.objects.purge_and_list(user)
    ]
    return sorted(rows, key=lambda row: (not row["here"], -row["session"].last_seen_at.timestamp()))


@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    if session.is_current():
        messages.error(request, "That is this browser: sign out instead.")
    else:
        session.end()
        messages.success(request, "That browser is signed out.")
    return redirect("account")


@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    end_other_sessions(request, request.user)
    messages.success(request, "All other browsers are signed out.")
    return redirect("account")
