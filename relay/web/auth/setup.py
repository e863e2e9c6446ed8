"""Creates the first account, and sets new passwords by link."""

from __future__ import annotations

from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from relay.engine.people import accounts, mailer, password_resets
from relay.errors import RelayError
from relay.web.ui import form_data


@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the flows, or say where to find the set-up link."""
    if accounts.is_fresh():
        return render(request, "accounts/fresh.html")
    return redirect("flows")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Create the first account, with the link that `relay up` printed."""
    if not accounts.check_setup_token(token):
        return render(request, "accounts/link_used.html", {"fresh": accounts.is_fresh()}, status=404)
    if request.method == "GET":
        return render(request, "accounts/setup.html", {"workspace_name": "My workspace"})
    email, password = form_data.text(request.POST, "email"), form_data.text(request.POST, "password")
    workspace_name = form_data.text(request.POST, "workspace_name")
    try:
        user = accounts.create_first_account(email, password, workspace_name=workspace_name)
    except RelayError as error:
        context = {"error": str(error), "email": email, "workspace_name": workspace_name}
        return render(request, "accounts/setup.html", context, status=422)
    messages.success(request, "Welcome. There is a demo flow: send it a sample, then open the inbox.")
    response: HttpResponse = perform_login(request, user)
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Mail a link for a new password. 404 without a mail server."""
    if not mailer.is_on():
        raise Http404
    email, error = form_data.text(request.POST, "email", limit=254).strip(), ""
    if request.method == "POST":
        try:
            _mail_reset_link(request, email)
        except RelayError as refused:
            error = str(refused)
    context = {"email": email, "error": error, "sent": request.method == "POST" and not error}
    return render(request, "accounts/forgotten.html", context, status=422 if error else 200)


def _mail_reset_link(request: HttpRequest, email: str) -> None:
    mailer.check_address(email)
    if not ratelimit.consume(request, action="reset_password", key=email.lower()):
        raise RelayError("Too many links were requested. Wait an hour, or ask an owner of your workspace for one.")
    password_resets.mail_link(email)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, user_id: int, token: str) -> HttpResponse:
    """Set a new password, with a link from an owner or from `relay user reset-link`."""
    user = password_resets.find_user(user_id, token)
    if user is None:
        return render(request, "accounts/reset_used.html", status=404)
    error = ""
    if request.method == "POST":
        try:
            password_resets.set_password(user_id, token, form_data.text(request.POST, "password"))
            messages.success(request, "Your new password is set. Sign in with it.")
            return redirect("account_login")
        except RelayError as refused:
            error = str(refused)
    context = {"email": user.email, "error": error}
    return render(request, "accounts/reset.html", context, status=422 if error else 200)
