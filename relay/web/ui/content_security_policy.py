"""Sets the Content-Security-Policy of pages: they load static files of Relay, and nothing else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_is_valid_host = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?").fullmatch


class PolicyMiddleware(CSPMiddleware):
    """Extends django-csp's middleware with the static path of the requested host.

    `'self'` would also allow `/in/`, where flows can answer with any document.
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        static = _static(request)
        parts.replace = {"script-src": static, "style-src": static, "img-src": [*static, "data:"]}
        return parts


def _static(request: HttpRequest) -> list[str]:
    """Return the sources of static files as the browser sees them.

    The public URL is included because a proxy may pass on another host.
    """
    host = _host(request)
    if host.startswith("["):  # no policy can name an IPv6 address
        return ["'self'"]
    # A source with http also allows https, so it is right where a proxy doesn't pass on the scheme.
    public = urlsplit(settings.PUBLIC_URL.lower())
    origins = [(request.scheme, host), (public.scheme, public.netloc)]
    sources = [f"{scheme}://{netloc}{settings.STATIC_URL}" for scheme, netloc in origins if _is_valid_host(netloc)]
    return list(dict.fromkeys(sources)) or ["'self'"]


def _host(request: HttpRequest) -> str:
    try:
        return request.get_host().lower()
    except DisallowedHost:  # the error page loads its styles from the public URL, if at all
        return ""
