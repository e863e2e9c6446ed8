"""Reads an ASGI scope: the headers of a request, its sender's address and its host."""

from __future__ import annotations

from django.conf import settings

from relay import origins
from relay.client_address import plain, sender
from relay.ingest.http_errors import Headers, Scope


def joined(pairs: Headers) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined with a comma, as HTTP specifies."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def readable(text: str) -> str:
    """Return Latin-1 text of a header or query as UTF-8 where its bytes are UTF-8, so that people can read it.

    Signatures are checked over the original text.
    """
    return text if text.isascii() else ", ".join(_as_utf8(piece) for piece in text.split(", "))


def _as_utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def remote(scope: Scope, headers: dict[str, str] | None = None) -> str:
    """Return the sender's IP address; pass `headers` if they are joined already."""
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    trusted = settings.TRUSTED_PROXIES
    if not trusted:
        return plain(peer)
    return sender(peer, joined(scope["headers"]) if headers is None else headers, trusted)


def hosts(scope: Scope) -> set[str]:
    """Return the host names in a request's Host headers: one, unless the request is malformed."""
    return {origins.hostname(value.decode("latin-1")) for name, value in scope["headers"] if name.lower() == b"host"}


def allows_flow_headers(scope: Scope) -> bool:
    """Return whether a response may have headers that a flow set: if flows have their own host, only at that host."""
    return not settings.INGEST_HOST or hosts(scope) == {settings.INGEST_HOST}


def origin(headers: dict[str, str]) -> str:
    """Return the origin of the URL that a request was sent to: the pages' origin if its host is one of theirs."""
    if settings.INGEST_URL and not origins.is_among(origins.hostname(headers.get("host", "")), settings.ALLOWED_HOSTS):
        return str(settings.INGEST_URL)
    return str(settings.PUBLIC_URL)
