"""Adapts django-allauth to Relay: own messages, no public sign-up, audit entries, sealed secrets."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from relay.engine import audit
from relay.engine.people.accounts import note_for
from relay.models import ActorKind, User, sealing

WRONG = "That e-mail address and password don't belong together."
_SEAL = "second factor"
_AUTH_HASH = "signing-in"  # session key: a hash of the password that was entered, until the second factor is
_MESSAGES = {
    "account/messages/password_changed.txt": "Your password is changed. Other browsers are signed out.",
    "mfa/messages/totp_activated.txt": "The authenticator app is set up. It is asked for when you sign in.",
    "mfa/messages/totp_deactivated.txt": "The authenticator app is no longer asked for.",
    "mfa/messages/webauthn_added.txt": "The passkey is added.",
    "mfa/messages/webauthn_removed.txt": "The passkey is removed.",
    "mfa/messages/recovery_codes_generated.txt": "These are your recovery codes. Keep them where you keep passwords.",
}
_AUDIT_VERBS = {
    "account/messages/password_changed.txt": "account.password_changed",
    "mfa/messages/totp_activated.txt": "account.app_added",
    "mfa/messages/totp_deactivated.txt": "account.app_removed",
    "mfa/messages/webauthn_added.txt": "account.passkey_added",
    "mfa/messages/webauthn_removed.txt": "account.passkey_removed",
    "mfa/messages/recovery_codes_generated.txt": "account.recovery_codes_made",
}
_FAULTS = {
    "account_inactive": "This account is disabled. Ask an owner of the workspace.",
    "email_password_mismatch": WRONG,
    "enter_current_password": "That is not your current password.",
    "incorrect_code": "That code or key is not right. A code is valid for half a minute, a recovery code works once.",
    "incorrect_password": "That is not your password.",
    "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
    "rate_limited": "Too many tries. Wait a minute, then try again.",
    "cannot_generate_recovery_codes": "Set up an authenticator app or a passkey first; the codes stand in for it.",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Creates no accounts: they are made with the set-up link and with invitations, never with a public form."""

    error_messages = {**DefaultAccountAdapter.error_messages, **_FAULTS}  # noqa: RUF012 - allauth's way

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Accept only pages of the requested host; allauth would accept any host that Relay is served under."""
        request = self.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def is_ajax(self, request: HttpRequest) -> bool:
        """Return whether the request is a script's: only the challenge for a passkey is."""
        return request.path == reverse("mfa_login_webauthn")

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        verb = _AUDIT_VERBS.get(message_template or "")
        if verb and isinstance(request.user, User):
            note_for(request.user, verb)
        text = message or _MESSAGES.get(message_template or "")
        if text:
            messages.add_message(request, level, text, extra_tags=extra_tags)

    def pre_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse | None:
        request.session[_AUTH_HASH] = user.get_session_auth_hash()
        response: HttpResponse | None = super().pre_login(request, user, **more)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, unless the password was changed or the account disabled since the password was entered."""
        entered = request.session.pop(_AUTH_HASH, "")
        if not user.is_active or not constant_time_compare(entered, user.get_session_auth_hash()):
            clear_login(request)
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse:
        person = audit.Actor(ActorKind.PERSON, user.email, request.META.get("REMOTE_ADDR") or "")
        with audit.acting(person):
            note_for(user, "account.signed_in")
        # Nothing else removes expired sessions.
        request.session.clear_expired()
        response: HttpResponse = super().post_login(request, user, **more)
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        user = User.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        if user is not None:
            note_for(user, "account.sign_in_failed")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use a code",
            "mfa_reauthenticate:webauthn": "Use a passkey",
        }
        return [{**method, "description": words[method["id"]]} for method in super().get_reauthentication_methods(user)]

    def send_notification_mail(self, *_: Any, **__: Any) -> None:
        """Send no mail: the audit log has the event."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seals authenticator secrets and recovery codes like all credentials."""

    error_messages = {**DefaultMFAAdapter.error_messages, **_FAULTS}  # noqa: RUF012 - allauth's way

    def encrypt(self, text: str) -> str:
        return sealing.seal_text(_SEAL, text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal_text(_SEAL, encrypted_text)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:  # noqa: A002 - allauth's word
        return "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Relay"}
