"""What every page's request carries, and how static files are answered under ASGI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from relay.models import Workspace


class WorkspaceMiddleware:
    """Set `request.workspace`: the signed-in person's first, or None."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.workspace = workspace_of(request)  # type: ignore[attr-defined]
        return self.get_response(request)


def workspace_of(request: HttpRequest) -> Workspace | None:
    if not request.user.is_authenticated:
        return None
    return Workspace.objects.filter(memberships__user=request.user).order_by("memberships__pk").first()


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
