"""What every page's request carries, and how static files are answered under ASGI."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils import timezone
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from relay.engine import audit
from relay.models import ActorKind, Membership, Role
from relay.web import failures

CHOSEN = "workspace"  # the session's word for the workspace that is open
SEEN_EVERY = 60.0  # seconds between two notes that a browser was seen
_SESSIONS_REMEMBERED = 10_000


_NOT_FOR_PAGES = ("camera", "microphone", "geolocation", "payment", "usb", "midi", "display-capture", "fullscreen")
_HEADERS = {
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _NOT_FOR_PAGES),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
# A year. Only for the very name: whoever runs Relay may have other names without HTTPS below it.
_HTTPS_ONLY = "max-age=31536000"


class HeadersMiddleware:
    """Headers that Django and django-csp don't have; that HTTPS is a must, exactly where the public URL has it.

    Django's own setting for the latter looks at the request, which a proxy may hand on by plain HTTP.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.PUBLIC_URL.startswith("https://"):
            response.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
        return response


class SessionMiddleware:
    """Note when each signed-in browser was last seen: once a minute, so that no page waits for a write."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._noted: OrderedDict[str, float] = OrderedDict()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        now = time.time()
        if key and request.user.is_authenticated and now - self._noted.setdefault(key, now) >= SEEN_EVERY:
            self._noted[key] = now
            _note(key)
        while len(self._noted) > _SESSIONS_REMEMBERED:
            self._noted.popitem(last=False)
        return self.get_response(request)


def _note(key: str) -> None:
    from allauth.usersessions.models import UserSession

    seen = timezone.now()
    stale = UserSession.objects.filter(session_key=key, last_seen_at__lt=seen - timedelta(seconds=SEEN_EVERY))
    stale.update(last_seen_at=seen)


class WrongMethodMiddleware:
    """Say what is wrong where an address is no page: Django's own answer is empty, and browsers call that an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return failures.wrong_method(request, response["Allow"])
        return response


class ApiMiddleware:
    """Look up what is under /api/ in the addresses of the API, which are read with the first call."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/"):
            request.urlconf = "relay.api.urls"
        return self.get_response(request)


class WorkspaceMiddleware:
    """Set `request.workspace` and `request.role`: the chosen or first of the signed-in person's, or None.

    `request.memberships` are all of them, for the switcher; `may_edit` and `may_own` are for templates.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        known = memberships_of(request)
        chosen = request.session.get(CHOSEN) if len(known) > 1 else None
        current = next((one for one in known if one.workspace_id == chosen), known[0] if known else None)
        role = Role(current.role) if current else None
        vars(request).update(
            memberships=known,
            workspace=current.workspace if current else None,
            role=role,
            may_edit=role is not None and role.allows(Role.EDITOR),
            may_own=role is not None and role.allows(Role.OWNER),
        )
        with audit.acting(actor_of(request)):
            return self.get_response(request)


def actor_of(request: HttpRequest) -> audit.Actor:
    # Already who it came from, where trusted proxies stand before Relay: the entrance sees to that.
    address = request.META.get("REMOTE_ADDR") or ""
    if request.user.is_authenticated:
        return audit.Actor(ActorKind.PERSON, request.user.email, address)
    return audit.Actor(ActorKind.LINK, "Not signed in", address)


def memberships_of(request: HttpRequest) -> list[Membership]:
    if not request.user.is_authenticated:
        return []
    return list(Membership.objects.filter(user=request.user).select_related("workspace").order_by("pk"))


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise that answers with whole bodies.

    Its own answers are synchronous iterators, which Django consumes in one go under ASGI anyway, with a warning.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        answer = static_file.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file:
                body = answer.file.read()
        response = HttpResponse(body, status=int(answer.status))
        del response["content-type"]
        for name, value in answer.headers:
            response[name] = value
        if answer.file is not None:
            # A file that changed on disk since the start has another length than was noted then.
            response["Content-Length"] = str(len(body))
        return response
