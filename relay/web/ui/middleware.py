"""Adds the workspace, headers and error pages to page requests, and serves static files under ASGI."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from relay.engine import audit
from relay.engine.configuration import flow_addresses
from relay.engine.sandbox import workspace_shares
from relay.errors import Busy
from relay.models import ActorKind, Membership, Role
from relay.web.ui import error_pages, times

WORKSPACE_KEY = "workspace"  # of the session: the id of the open workspace
LAST_SEEN_INTERVAL_SECONDS = 60.0
_MAX_REMEMBERED_SESSIONS = 10_000


_NOT_FOR_PAGES = ("camera", "microphone", "geolocation", "payment", "usb", "midi", "display-capture", "fullscreen")
_HEADERS = {
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _NOT_FOR_PAGES),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
# One year. Without subdomains: the operator may serve some of them without HTTPS.
_HTTPS_ONLY = "max-age=31536000"


class HeadersMiddleware:
    """Sets security headers that Django and django-csp don't set, and HSTS if the public URL is https.

    Django's own HSTS setting looks at the request, which a proxy may pass on as plain HTTP.
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
    """Stores when each signed-in browser was last seen, at most once a minute to save writes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._last_stored: OrderedDict[str, float] = OrderedDict()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        now = time.time()
        if (
            key
            and request.user.is_authenticated
            and now - self._last_stored.setdefault(key, now) >= LAST_SEEN_INTERVAL_SECONDS
        ):
            self._last_stored[key] = now
            _store_last_seen(key)
        while len(self._last_stored) > _MAX_REMEMBERED_SESSIONS:
            self._last_stored.popitem(last=False)
        return self.get_response(request)


def _store_last_seen(key: str) -> None:
    from allauth.usersessions.models import UserSession

    seen = timezone.now()
    stale = UserSession.objects.filter(
        session_key=key, last_seen_at__lt=seen - timedelta(seconds=LAST_SEEN_INTERVAL_SECONDS)
    )
    stale.update(last_seen_at=seen)


class ZoneMiddleware:
    """Shows times in the zone that times.js stores in a cookie; in UTC where there is none, or no such zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(times.zone(request.COOKIES.get(times.ZONE_COOKIE, ""))):
            return self.get_response(request)


class WrongMethodMiddleware:
    """Renders an error page for a wrong method: Django's own response is empty, and browsers call that an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return error_pages.wrong_method(request, response["Allow"])
        return response


class ApiMiddleware:
    """Routes /api/ to the URLs of the API, which are imported with the first call.

    `until_answered` is closed after the response. It holds the share of the token's workspace.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        request.urlconf = "relay.api.urls"
        with ExitStack() as until_answered:
            vars(request)["until_answered"] = until_answered
            response = self.get_response(request)
        return _wrong_method(response) if isinstance(response, HttpResponseNotAllowed) else response


def _wrong_method(response: HttpResponse) -> HttpResponse:
    """Return a 405 in the API's error format: Django Ninja answers in plain text."""
    # Ninja keeps the methods in a set, so their order changes from call to call.
    allowed = ", ".join(sorted(response["Allow"].split(", ")))
    return JsonResponse({"error": f"This path takes {allowed}"}, status=405, headers={"Allow": allowed})


class WorkspaceMiddleware:
    """Sets `request.workspace` and `request.role` to the signed-in person's chosen or first ones, or to None.

    `request.memberships` is for the workspace switcher; `may_edit` and `may_own` are for templates.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        memberships = memberships_of(request)
        chosen_id = request.session.get(WORKSPACE_KEY) if len(memberships) > 1 else None
        current = next(
            (membership for membership in memberships if membership.workspace_id == chosen_id),
            memberships[0] if memberships else None,
        )
        role = Role(current.role) if current else None
        vars(request).update(
            memberships=memberships,
            workspace=current.workspace if current else None,
            role=role,
            may_edit=role is not None and role.allows(Role.EDITOR),
            may_own=role is not None and role.allows(Role.OWNER),
        )
        try:
            with audit.acting(actor_of(request)), share_of(current):
                return self.get_response(request)
        except Busy as busy:
            return error_pages.busy(request, busy)


def share_of(current: Membership | None) -> AbstractContextManager[None]:
    """Return a context that holds the workspace's share of helper processes. The API takes a token's share itself."""
    return nullcontext() if current is None else workspace_shares.hold(current.workspace_id)


class FlowAddressMiddleware:
    """Masks the URLs of flows in every response to a viewer or a read-only token.

    A document that calls a flow contains its URL, and so do the requests of its runs and the answers to them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if _only_reads(request) and isinstance(response, HttpResponse):
            response.content = flow_addresses.mask_tokens(response.content)
            if response.has_header("Content-Length"):
                response.headers["Content-Length"] = str(len(response.content))
        return response


def _only_reads(request: HttpRequest) -> bool:
    """Return whether the person or token may only read. The API sets `may_write` for its calls."""
    role = getattr(request, "role", None)
    return getattr(request, "may_write", role is None or role.allows(Role.EDITOR)) is False


def actor_of(request: HttpRequest) -> audit.Actor:
    # Behind trusted proxies, the ASGI application has already set the client's address.
    address = request.META.get("REMOTE_ADDR") or ""
    if request.user.is_authenticated:
        return audit.Actor(ActorKind.PERSON, request.user.email, address)
    return audit.Actor(ActorKind.LINK, "Not signed in", address)


def memberships_of(request: HttpRequest) -> list[Membership]:
    if not request.user.is_authenticated:
        return []
    return list(Membership.objects.filter(user=request.user).select_related("workspace").order_by("pk"))


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Extends WhiteNoise to answer with whole bodies.

    WhiteNoise's responses are synchronous iterators, which Django reads at once under ASGI anyway, with a warning.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        static = static_file.get_response(request.method, request.META)
        body = b""
        if static.file is not None:
            with static.file:
                body = static.file.read()
        response = HttpResponse(body, status=int(static.status))
        del response["content-type"]
        for name, value in static.headers:
            response[name] = value
        if static.file is not None:
            # If the file has changed on disk since the start, WhiteNoise's length is wrong.
            response["Content-Length"] = str(len(body))
        return response
