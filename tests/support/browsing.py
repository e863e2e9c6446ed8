"""Django's test client, signed in like a browser."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.test import Client
from django.test.client import ClientHandler


@cache
def _loaded() -> ClientHandler:
    """A handler whose middleware all browsers share, since each chain reads every static file when it is built."""
    handler = ClientHandler()
    handler.load_middleware()
    return handler


setting_changed.connect(lambda **_: _loaded.cache_clear(), weak=False)


class _Handler(ClientHandler):
    """A handler of its own, so that a test can make it check CSRF tokens, with the shared middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._middleware_chain = _loaded()._middleware_chain
        self._view_middleware = _loaded()._view_middleware
        self._template_response_middleware = _loaded()._template_response_middleware
        self._exception_middleware = _loaded()._exception_middleware


class Browser(Client):
    """Its `force_login` gives it the cookie that a sign-in would."""

    def __init__(self, enforce_csrf_checks: bool = False, **kwargs: Any) -> None:
        super().__init__(enforce_csrf_checks, **kwargs)
        self.handler = _Handler(enforce_csrf_checks)

    def _login(self, user: Any, backend: Any = None) -> None:
        from relay.web.auth.sessions import sign_key

        super()._login(user, backend)  # type: ignore[misc]
        self.cookies[settings.SESSION_COOKIE_NAME] = sign_key(self.cookies[settings.SESSION_COOKIE_NAME].value)


def collapsed(answer: Any) -> str:
    """The HTML of an answer with each run of white space as one space, as a browser shows it."""
    return " ".join(answer.content.decode().split())
