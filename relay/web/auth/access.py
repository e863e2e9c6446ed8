"""Checks that a person is signed in and has the role that a page requires."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from relay.models import Role, User, Workspace
from relay.web.auth.permissions import Anyone, required_role

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")


class WorkspaceRequest(HttpRequest):
    """A signed-in person's request. Every query must start at its workspace."""

    workspace: Workspace
    role: Role
    user: User
    htmx: HtmxDetails


View = Callable[Concatenate[WorkspaceRequest, P], HttpResponseBase]


def member(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Decorate a view: only members with the role that `permissions` requires may call it, and no cache keeps it.

    A person who isn't signed in is redirected to the sign-in page.
    """

    @never_cache
    @wraps(view)
    def checked_view(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if getattr(request, "workspace", None) is None:
            raise PermissionDenied("This account belongs to no workspace.")
        _check_role(cast(WorkspaceRequest, request))
        return view(cast(WorkspaceRequest, request), *args, **kwargs)

    return cast(Callable[Concatenate[HttpRequest, P], HttpResponseBase], checked_view)


def _check_role(request: WorkspaceRequest) -> None:
    match = request.resolver_match
    required = required_role(match.url_name or "" if match else "", request.method or "")
    if not isinstance(required, Anyone) and not request.role.allows(required):
        role, needed = request.role.label.lower(), required.label.lower()
        raise PermissionDenied(f"In this workspace your role is {role}; this requires the role {needed}. Ask an owner.")


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    htmx = cast(WorkspaceRequest, request).htmx
    if not htmx:
        return redirect_to_login(_return_address(request))
    # The sign-in page can't be swapped into a fragment: the whole browser page is redirected.
    return HttpResponseClientRedirect(redirect_to_login(htmx.current_url_abs_path or "/").url)


def _return_address(request: HttpRequest) -> str:
    """Return where to go after the sign-in. For a posted form it is the page that has the form: its URL has no page."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(page)
    return parts.path + (f"?{parts.query}" if parts.query else "")
