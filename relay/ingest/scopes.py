"""What an ASGI scope says of a request: its headers, and who sent it."""

from __future__ import annotations

from django.conf import settings

from relay.forwarded import plain, sender
from relay.ingest.answers import Headers, Scope


def joined(pairs: Headers) -> dict[str, str]:
    """Headers by lower-case name; repeated ones joined as HTTP says."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def remote(scope: Scope, headers: dict[str, str] | None = None) -> str:
    """The address that a request came from; `headers` where they are joined already."""
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    trusted = settings.TRUSTED_PROXIES
    if not trusted:
        return plain(peer)
    return sender(peer, joined(scope["headers"]) if headers is None else headers, trusted)
