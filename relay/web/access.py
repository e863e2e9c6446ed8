"""Who may see a page: people with a workspace; everybody else is sent to sign in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from relay.models import User, Workspace

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")


class WorkspaceRequest(HttpRequest):
    """A signed-in person's request; every query starts at its workspace."""

    workspace: Workspace
    user: User  # type: ignore[assignment]
    htmx: HtmxDetails


View = Callable[Concatenate[WorkspaceRequest, P], HttpResponse]


def member(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let members of a workspace in; nothing of a workspace is ever kept by a cache."""

    @wraps(view)
    def inside(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if getattr(request, "workspace", None) is None:
            raise PermissionDenied("This account belongs to no workspace.")
        return view(cast(WorkspaceRequest, request), *args, **kwargs)

    return never_cache(login_required(inside))
