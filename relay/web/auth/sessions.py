"""Stores sessions sealed, under keys that are useless without a signature.

A session can hold secrets, such as that of an authenticator app during its set-up. A person who reads the database
learns neither these nor a cookie: the cookie is the session's key with a signature under `SECRET_KEY`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from relay.errors import VaultError
from relay.models import sealing

_SIGNER = Signer(salt="relay.session")


class SessionStore(DatabaseStore):
    """A session whose data is sealed for its key. In another row it can't be unsealed, and counts as empty."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return sealing.seal_text(self._owner, self.serializer().dumps(session_dict).decode("latin-1"))

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        try:
            text = sealing.unseal_text(self._owner, str(session_data))
        except (VaultError, ValueError):
            return {}  # The vault key no longer exists: the person signs in again.
        data: dict[str, Any] = self.serializer().loads(text.encode("latin-1"))
        return data

    @property
    def _owner(self) -> str:
        return f"{sealing.SESSION}:{self.session_key}"


class CookieMiddleware(SessionMiddleware):
    """Extends Django's middleware with signed cookies."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = self.SessionStore(_verified_key(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and cookie.value:
            response.cookies[settings.SESSION_COOKIE_NAME] = sign_key(cookie.value)
        return response


def sign_key(key: str) -> str:
    """Return the cookie for a session key."""
    return _SIGNER.sign(key)


def _verified_key(cookie: str) -> str | None:
    try:
        return _SIGNER.unsign(cookie)
    except BadSignature:
        return None
