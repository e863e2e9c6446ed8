"""How django-allauth behaves in Relay: our words, no sign-up of its own, secrets sealed."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from relay.engine.accounts import note_for
from relay.models import User, sealing

WRONG = "That e-mail address and password don't belong together."
_SEAL = "second factor"
_SAID = {
    "account/messages/password_changed.txt": "Your password is changed. Other browsers are signed out.",
    "mfa/messages/totp_activated.txt": "The authenticator app is set up. It is asked for when you sign in.",
    "mfa/messages/totp_deactivated.txt": "The authenticator app is not asked for any more.",
    "mfa/messages/webauthn_added.txt": "The passkey is added.",
    "mfa/messages/webauthn_removed.txt": "The passkey is removed.",
    "mfa/messages/recovery_codes_generated.txt": "These are your recovery codes. Keep them where you keep passwords.",
}
_NOTED = {
    "account/messages/password_changed.txt": "account.password_changed",
    "mfa/messages/totp_activated.txt": "account.app_added",
    "mfa/messages/totp_deactivated.txt": "account.app_removed",
    "mfa/messages/webauthn_added.txt": "account.passkey_added",
    "mfa/messages/webauthn_removed.txt": "account.passkey_removed",
    "mfa/messages/recovery_codes_generated.txt": "account.recovery_codes_made",
}
_FAULTS = {
    "account_inactive": "This account is switched off. Ask an owner of the workspace.",
    "email_password_mismatch": WRONG,
    "enter_current_password": "That is not your current password.",
    "incorrect_code": "That code or key is not right. A code holds for half a minute, a recovery code works once.",
    "incorrect_password": "That is not your password.",
    "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
    "rate_limited": "Too many tries. Wait a minute, then try again.",
    "cannot_generate_recovery_codes": "Set up an authenticator app or a passkey first; the codes stand in for it.",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by the set-up link and by invitations, never by a form that anybody can open."""

    error_messages = {**DefaultAccountAdapter.error_messages, **_FAULTS}  # noqa: RUF012 - allauth's way

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only ever a page of this very host; allauth would take any host that Relay is served under."""
        request = self.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def is_ajax(self, request: HttpRequest) -> bool:
        """Only the passkey's challenge is fetched; everything else is a page."""
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
        verb = _NOTED.get(message_template or "")
        if verb and isinstance(request.user, User):
            note_for(request.user, verb)
        said = message or _SAID.get(message_template or "")
        if said:
            messages.add_message(request, level, said, extra_tags=extra_tags)

    def post_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse:
        note_for(user, "account.signed_in")
        # What has run out goes when somebody comes: nothing else would remove it.
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
        return [{**one, "description": words[one["id"]]} for one in super().get_reauthentication_methods(user)]

    def send_notification_mail(self, *_: Any, **__: Any) -> None:
        """Nothing is mailed; the audit log tells."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Authenticator secrets and recovery codes are sealed like all credentials."""

    error_messages = {**DefaultMFAAdapter.error_messages, **_FAULTS}  # noqa: RUF012 - allauth's way

    def encrypt(self, text: str) -> str:
        return sealing.seal_text(_SEAL, text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal_text(_SEAL, encrypted_text)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:  # noqa: A002 - allauth's word
        return "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Relay"}
