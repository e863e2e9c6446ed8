"""The first account, signing in and signing out."""

from __future__ import annotations

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine import accounts
from relay.errors import RelayError
from relay.web import posted

WRONG = "That e-mail address and password don't belong together."


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
    auth.login(request, user)
    messages.success(request, "Welcome. There is a demo flow already: send it a sample and look into the inbox.")
    return redirect("flows")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if accounts.is_fresh():
        return redirect("start")
    onward = _local(request, request.POST.get("next") or request.GET.get("next") or "")
    if request.method == "GET":
        return render(request, "accounts/sign_in.html", {"next": onward})
    email = posted.text(request.POST, "email").strip()
    user = auth.authenticate(request, username=email, password=posted.text(request.POST, "password"))
    if user is None:
        return render(request, "accounts/sign_in.html", {"next": onward, "email": email, "error": WRONG}, status=422)
    auth.login(request, user)
    return redirect(onward)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("sign-in")


def _local(request: HttpRequest, onward: str) -> str:
    """Where to go after signing in: only ever a page of ours."""
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return onward if safe else reverse("flows")
