"""The first account, and a new password by a link."""

from __future__ import annotations

from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from relay.engine import accounts, mailing
from relay.errors import RelayError
from relay.web import posted


@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """The flows, or where to find the set-up link."""
    if accounts.is_fresh():
        return render(request, "accounts/fresh.html")
    return redirect("flows")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """The first account, by the link that `relay up` printed."""
    if not accounts.check_setup_token(token):
        return render(request, "accounts/link_used.html", {"fresh": accounts.is_fresh()}, status=404)
    if request.method == "GET":
        return render(request, "accounts/setup.html", {"workspace_name": "My workspace"})
    email, password = posted.text(request.POST, "email"), posted.text(request.POST, "password")
    workspace_name = posted.text(request.POST, "workspace_name")
    try:
        user = accounts.create_first_account(email, password, workspace_name=workspace_name)
    except RelayError as error:
        context = {"error": str(error), "email": email, "workspace_name": workspace_name}
        return render(request, "accounts/setup.html", context, status=422)
    messages.success(request, "Welcome. There is a demo flow already: send it a sample and look into the inbox.")
    response: HttpResponse = perform_login(request, user)
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """A link for a new password by mail; there is no such page without a mail server."""
    if not mailing.is_on():
        raise Http404
    email, error = posted.text(request.POST, "email", limit=254).strip(), ""
    if request.method == "POST":
        try:
            _mail_reset_link(request, email)
        except RelayError as refused:
            error = str(refused)
    context = {"email": email, "error": error, "sent": request.method == "POST" and not error}
    return render(request, "accounts/forgotten.html", context, status=422 if error else 200)


def _mail_reset_link(request: HttpRequest, email: str) -> None:
    mailing.check_address(email)
    if not ratelimit.consume(request, action="reset_password", key=email.lower()):
        raise RelayError("Too many links were asked for. Wait an hour, or ask an owner of your workspace for one.")
    accounts.mail_reset_link(email)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, user_id: int, token: str) -> HttpResponse:
    """A new password, by a link from an owner or from `relay user reset-link`."""
    user = accounts.resettable(user_id, token)
    if user is None:
        return render(request, "accounts/reset_used.html", status=404)
    error = ""
    if request.method == "POST":
        try:
            accounts.set_password(user, posted.text(request.POST, "password"))
            messages.success(request, "Your new password is set. Sign in with it.")
            return redirect("account_login")
        except RelayError as refused:
            error = str(refused)
    context = {"email": user.email, "error": error}
    return render(request, "accounts/reset.html", context, status=422 if error else 200)
