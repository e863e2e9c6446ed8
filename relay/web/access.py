"""Who may see a page: members whose role is enough for it; who isn't signed in is sent to sign in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from relay.models import Role, User, Workspace
from relay.web.permissions import Anyone, least

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")


class WorkspaceRequest(HttpRequest):
    """A signed-in person's request; every query starts at its workspace."""

    workspace: Workspace
    role: Role
    user: User
    htmx: HtmxDetails


View = Callable[Concatenate[WorkspaceRequest, P], HttpResponse]


def member(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let members in whose role is enough for the address, as `permissions` has it; nothing is kept by a cache."""

    @never_cache
    @wraps(view)
    def inside(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if getattr(request, "workspace", None) is None:
            raise PermissionDenied("This account belongs to no workspace.")
        _check_role(cast(WorkspaceRequest, request))
        return view(cast(WorkspaceRequest, request), *args, **kwargs)

    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], inside)


def _check_role(request: WorkspaceRequest) -> None:
    match = request.resolver_match
    asked = least(match.url_name or "" if match else "", request.method or "")
    if not isinstance(asked, Anyone) and not request.role.allows(asked):
        mine, needed = request.role.label.lower(), asked.label.lower()
        raise PermissionDenied(f"In this workspace your role is {mine}; this takes an {needed}. Ask an owner.")


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    htmx = cast(WorkspaceRequest, request).htmx
    if not htmx:
        return redirect_to_login(_place(request))
    # A fragment's place is no place for the sign-in page: the whole page goes there.
    return HttpResponseClientRedirect(redirect_to_login(htmx.current_url_abs_path or "/").url)


def _place(request: HttpRequest) -> str:
    """Where to go on behind the sign-in: the address of a form shows nothing, the page that it stood on does."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(page)
    return parts.path + (f"?{parts.query}" if parts.query else "")
