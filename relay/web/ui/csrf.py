"""Decides which pages may post forms to Relay, and explains refused forms (CSRF)."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.middleware import csrf

_RELOAD_HINT = "Go back, load the page again and repeat what you did."
_DEFAULT_MESSAGE = f"The page was open for too long, or somebody signed in or out meanwhile. {_RELOAD_HINT}"
_NO_REFERRER_MESSAGE = (
    "The browser didn't say which page this form was sent from. An extension or a setting removes the Origin and "
    "Referer headers: allow them for this site, then load the page again."
)


class CsrfMiddleware(csrf.CsrfViewMiddleware):
    """Extends Django's middleware: a form may also come from the https page of the host that it is posted to.

    A proxy that terminates TLS passes on plain HTTP, and only trusted proxies can say that it was HTTPS.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        verified = super()._origin_verified(request)  # type: ignore[misc] # django-stubs lacks it
        own_origin = f"https://{_host(request).removesuffix(':443')}"
        return bool(verified) or request.META["HTTP_ORIGIN"] == own_origin


def refusal_message(request: HttpRequest, reason: str) -> str:
    """Return why a form was refused and what its sender can do. `reason` is Django's."""
    page = _origin(request)
    if page == "null" or reason in (csrf.REASON_NO_REFERER, csrf.REASON_MALFORMED_REFERER):
        return _NO_REFERRER_MESSAGE
    if reason == csrf.REASON_BAD_ORIGIN % page or reason.startswith("Referer checking failed"):
        return _foreign_origin_message(page)
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        return _no_cookie_message(page or f"{request.scheme}://{_host(request)}")
    return _DEFAULT_MESSAGE


def _foreign_origin_message(page: str) -> str:
    return (
        f"The form was sent from a page at {page or 'another site'}, but Relay is set up to be served at "
        f"{settings.PUBLIC_URL}. Open it there, or have RELAY_PUBLIC_URL set to the address in your browser, or its "
        "host added to RELAY_HOSTS, and Relay started again."
    )


def _no_cookie_message(page: str) -> str:
    if page.startswith("http://") and settings.CSRF_COOKIE_SECURE:
        return (
            f"The page was opened at {page}, without HTTPS, and browsers keep Relay's cookies only with HTTPS, since "
            f"RELAY_PUBLIC_URL begins with https. Open {settings.PUBLIC_URL} instead."
        )
    return f"The browser sent no cookie: cookies are blocked for this site, or were deleted. Allow them. {_RELOAD_HINT}"


def _origin(request: HttpRequest) -> str:
    """Return the origin of the page that posted a form, if the browser sent it, cut to 300 characters."""
    if origin := request.META.get("HTTP_ORIGIN", ""):
        return str(origin)[:300]
    try:
        parts = urlsplit(request.META.get("HTTP_REFERER", ""))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"[:300] if parts.netloc else ""


def _host(request: HttpRequest) -> str:
    try:
        return request.get_host().lower()
    except DisallowedHost:
        return ""
