"""Renders error pages in the design of the other pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import loader

from relay.errors import Busy
from relay.web.ui import csrf


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    # No context processors: these pages must render even if the database is down.
    page = loader.render_to_string("failure.html", {"title": title, "text": text, "status": status})
    return HttpResponse(page, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400, "That request can't be read", "Go back and try again, or start at your flows.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 403, "That isn't yours to open", str(exception or "") or "Ask the owner of the workspace.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 404, "There is nothing here", "It was removed, or the address has a typing mistake.")


def wrong_method(request: HttpRequest, allowed: str) -> HttpResponse:
    text = "This address takes only what a form sends. Go back, load the page again and repeat what you did."
    page = _page(request, 405, "There is no page here", text)
    page["Allow"] = allowed
    return page


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 429, "That was too often", "Wait a minute, then go back and try again.")


def busy(request: HttpRequest, error: Busy) -> HttpResponse:
    page = _page(request, 429, "That was too much at once", f"{error}.")
    page["Retry-After"] = str(error.retry_after)
    return page


def broken(request: HttpRequest) -> HttpResponse:
    text = "Nothing that arrived is lost. The reason is in the log, where Relay was started."
    return _page(request, 500, "Relay made a mistake", text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, 403, "That form was refused", csrf.refusal_message(request, reason))
