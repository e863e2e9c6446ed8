"""Checks the answers that a flow gives its callers, both as written in a document and as rendered.

An answer of a flow may be served from the origin of Relay's pages, and through a proxy. Therefore it may only carry the
headers of this list, which concern the one answer alone: browsers store nothing of them for the origin, and proxies
pass them on without acting on them. A header that the web platform adds is refused until it is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

from relay import origins, templating
from relay.errors import Fault, RelayError, RequestRefused
from relay.outbound import check_headers, host_of

WITHOUT_BODY = frozenset({204, 205, 304})

ALLOWED = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "access-control-max-age",
        "cache-control",
        "content-disposition",
        "content-language",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "location",
        "retry-after",
        "vary",
    }
)
# A flow's own names. Underscores are refused: some gateways read `x_accel_redirect` as the name with hyphens.
_is_own_name = re.compile(r"x(-[a-z0-9]+)+").fullmatch
# X- names that proxies act on (nginx, lighttpd, LiteSpeed and others answer with a file or another URL instead, Envoy
# takes the server out of service) or that browsers do.
_ACTED_ON = (
    "x-accel",
    "x-akamai-",
    "x-appengine-",
    "x-archive-",
    "x-associated-",
    "x-azure-",
    "x-backend-",
    "x-ban-",
    "x-cache",
    "x-caddy-",
    "x-chrome-",
    "x-content-",
    "x-dns-",
    "x-download-",
    "x-edge-",
    "x-envoy-",
    "x-esi",
    "x-fastly-",
    "x-firefox-",
    "x-forwarded",
    "x-frame-",
    "x-goog-",
    "x-haproxy-",
    "x-hiawatha-",
    "x-http2-",
    "x-istio-",
    "x-kong-",
    "x-lighttpd-",
    "x-litespeed-",
    "x-lsadc-",
    "x-lscache",
    "x-middleware-",
    "x-mod-",
    "x-moz-",
    "x-ms-",
    "x-nextjs-",
    "x-nf-",
    "x-nginx-",
    "x-original-",
    "x-page-speed",
    "x-permitted-",
    "x-proxy",
    "x-psa-",
    "x-purge",
    "x-push-",
    "x-real-",
    "x-reproxy",
    "x-rewrite-",
    "x-sendfile",
    "x-send-file",
    "x-source-map",
    "x-sourcemap",
    "x-squid-",
    "x-surrogate-",
    "x-traefik-",
    "x-ua-",
    "x-upstream-",
    "x-uwsgi-",
    "x-varnish",
    "x-vercel-",
    "x-webkit-",
    "x-xss-",
)
_is_media_type = re.compile(r"([\w.+-]+)/[\w.+-]+[ \t]*(;[^,]*)?", re.ASCII).fullmatch
# Parts of these types have their own headers, which some browsers obey (Set-Cookie in multipart/x-mixed-replace).
_WITH_PARTS = frozenset({"multipart", "message"})


class RenderedAnswer(TypedDict):
    """An answer as rendered by a step."""

    status: int
    headers: dict[str, str]
    body: str


_ALLOWED_TEXT = (
    "it may carry Content-Type, Content-Disposition, Content-Language, Cache-Control, Expires, ETag, Last-Modified, "
    "Vary, Location, Retry-After, those of CORS, and names of your own that begin with X-"
)


def is_status(status: int) -> bool:
    """Whether an answer may have this status."""
    return 200 <= status <= 599


def written_faults(headers: Mapping[str, str], path: str, own: Iterable[str] = ()) -> Iterator[Fault]:
    """Yields the faults of the headers of a document's answer; values with templates are not checked."""
    constant = {name: value for name, value in headers.items() if not templating.has_template(value)}
    try:
        check_headers(constant)
    except RequestRefused as error:
        yield Fault(path, str(error))
        return
    written = {**dict.fromkeys(headers, ""), **constant}
    for name, reason in _faults(written, own):
        if name in constant or not is_allowed(name):
            yield Fault(f"{path}.{name[:60]}", reason)


def _faults(headers: Mapping[str, str], own: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields each header that an answer may not carry, and why. `own`: the hosts under which Relay is served."""
    for name, value in headers.items():
        if not is_allowed(name):
            yield name, f"an answer of a flow can't carry {_shown(name)}; {_ALLOWED_TEXT}"
        elif reason := _value_fault(name.lower(), value.strip(" \t"), own):
            yield name, reason


def is_allowed(name: str) -> bool:
    """Whether an answer of a flow may carry a header of this name."""
    lower = name.lower()
    return lower in ALLOWED or (_is_own_name(lower) is not None and not lower.startswith(_ACTED_ON))


def check_answer(headers: Mapping[str, str], own: Iterable[str]) -> None:
    """Raises RelayError if an answer may not carry one of the headers, or a header can't be sent as HTTP."""
    check_headers(headers)
    for _, reason in _faults(headers, own):
        raise RelayError(reason)


def sendable_headers(headers: Mapping[str, str], own: Iterable[str]) -> dict[str, str]:
    """The headers that may be sent, with names in lower case; the others are left out.

    This is the last check of every answer of a flow: static and rendered ones and those of handshakes, whichever
    process made them.
    """
    if not headers:
        return {}
    refused = {name for name, _ in _faults(headers, own)}
    allowed = {name.lower(): value for name, value in headers.items() if name not in refused}
    if _can_be_sent(allowed):
        return allowed
    allowed = {name: value for name, value in allowed.items() if _can_be_sent({name: value})}
    return allowed if _can_be_sent(allowed) else {}  # too many, or too long together


def _can_be_sent(headers: Mapping[str, str]) -> bool:
    try:
        check_headers(headers)
    except RequestRefused:
        return False
    return True


def _value_fault(name: str, value: str, own: Iterable[str]) -> str:
    """Why a header can't have this value; "" if it can."""
    if name == "location":
        return _location_fault(value, own)
    if name == "content-type":
        return _media_type_fault(value)
    return ""


def _location_fault(value: str, own: Iterable[str]) -> str:
    """Why callers can't be redirected to a URL: it has to be absolute, use HTTP, and not lead to Relay itself."""
    if not value.lower().startswith(("http://", "https://")):
        return "A caller can be sent on to an address that begins with https:// or http://, and no other"
    try:
        host = host_of(value)
    except RequestRefused as error:
        return f"A caller can't be sent on to this address. {error}"
    if origins.is_among(host, own):
        return f"A caller can't be sent on to Relay itself: {host} is a host that it is served under"
    return ""


def _media_type_fault(value: str) -> str:
    match = _is_media_type(value)
    if match is None:
        return "The Content-Type of an answer is one media type, such as text/html; charset=utf-8"
    if match[1].lower() in _WITH_PARTS:
        return f"The Content-Type of an answer can't be {match[1].lower()}: its parts would have headers of their own"
    return ""


def _shown(name: str) -> str:
    return f'"{ascii(name)[1:-1][:60]}"'
