"""Configures django-allauth's views for sign-in and account security with Relay's templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.views import (
    AccountInactiveView,
    LoginView,
    LogoutView,
    PasswordChangeView,
    ReauthenticateView,
)
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.recovery_codes.views import (
    GenerateRecoveryCodesView,
    ViewRecoveryCodesView,
)
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    LoginWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from relay.engine.people import accounts, mailer

View = Callable[..., HttpResponseBase]
_HOME = reverse_lazy("account")


class SignInView(LoginView):  # type: ignore[misc]
    extra_context = {"mails": mailer.is_on}  # noqa: RUF012 - Django's way

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if accounts.is_fresh():
            return redirect("start")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


def _page(view: Any, template: str = "", **settings: Any) -> View:
    """Return an allauth view with our template, never cached; a refused form is answered with 422."""
    template_names = {"template_name": f"accounts/{template}.html"} if template else {}
    allauth_view = require_http_methods(["GET", "HEAD", "POST"])(view.as_view(**template_names, **settings))

    @never_cache
    @wraps(allauth_view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = allauth_view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code == 200 and isinstance(response, TemplateResponse):
            response.status_code = 422
        return response

    return page


def _own_page(view: Any, template: str = "", **settings: Any) -> View:
    return login_required(_page(view, template, **settings))


sign_in = _page(SignInView, "sign_in")
sign_out = require_POST(_page(LogoutView))
inactive = _page(AccountInactiveView, "inactive")
second_factor = _page(AuthenticateView, "second_factor")
passkey_sign_in = _page(LoginWebAuthnView)
confirm = _own_page(ReauthenticateView, "confirm")
confirm_by_code = _own_page(ReauthenticateByCodeView, "confirm_by_code")
confirm_by_passkey = _own_page(ReauthenticateWebAuthnView, "confirm_by_passkey")
password = _own_page(PasswordChangeView, "password", success_url=_HOME)
app_on = _own_page(ActivateTOTPView, "app_on")
app_off = _own_page(DeactivateTOTPView, "app_off")
codes = _own_page(ViewRecoveryCodesView, "codes")
new_codes = _own_page(GenerateRecoveryCodesView, "new_codes")
passkey_add = _own_page(AddWebAuthnView, "passkey_add")
passkey_edit = _own_page(EditWebAuthnView, "passkey_edit", success_url=_HOME)
passkey_remove = _own_page(RemoveWebAuthnView, "passkey_remove", success_url=_HOME)
