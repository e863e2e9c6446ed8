"""Django's client, signed in as a browser would be."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.test import Client


class Browser(Client):
    """Its `force_login` gives it the cookie that a sign-in would."""

    def _login(self, user: Any, backend: Any = None) -> None:
        from relay.web.sessions import signed

        super()._login(user, backend)  # type: ignore[misc]
        self.cookies[settings.SESSION_COOKIE_NAME] = signed(self.cookies[settings.SESSION_COOKIE_NAME].value)
