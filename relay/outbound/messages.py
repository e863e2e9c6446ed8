"""What is sent, what comes back, and which headers a request may carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from relay.errors import RequestRefused
from relay.outbound.urls import Target

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024

_is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_find_unsendable = re.compile(r"[^\t\x20-\x7e\xa0-\xff]").search
# What frames the message or belongs to one connection is the sender's to write.
_RESERVED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request to send, whole.

    `replayable` False: the request must not arrive twice through any doing of the sender (buying a
    label). It then never rides on a kept connection, where a failed try may need a second one.
    `only`: origins that its secrets are for; it goes nowhere else. Empty: it has none.
    """

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    replayable: bool = True
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, any status, redirects included.

    Header names are lower case, repeated ones joined by ", ". `body` is as sent, never inflated,
    at most the sender's `keep` bytes; `truncated`: there was more. `seconds` is the whole exchange.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    seconds: float


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises RequestRefused where a header can't be sent as HTTP or is Relay's own to write."""
    if len(headers) > MAX_HEADERS:
        raise RequestRefused(f"A request may carry at most {MAX_HEADERS} headers.")
    size = 0
    for name, value in headers.items():
        _check_header(name, value)
        size += len(name) + len(value) + 4
    if size > MAX_HEADER_BYTES:
        raise RequestRefused(f"The headers are longer than {MAX_HEADER_BYTES:,} bytes together.")


def _check_header(name: str, value: str) -> None:
    if not _is_token(name):
        raise RequestRefused(f"{_shown(name)} can't be the name of a header: use letters, digits and hyphens.")
    lower = name.lower()
    if lower in _RESERVED or lower.startswith("proxy-"):
        raise RequestRefused(f"The header {_shown(name)} is written by Relay: leave it out.")
    if _find_unsendable(value):
        raise RequestRefused(
            f"The value of the header {_shown(name)} has a line break, a control character or a "
            "letter that headers can't carry."
        )


def _shown(name: str) -> str:
    return f'"{ascii(name)[1:-1][:60]}"'


def _agent() -> str:
    try:
        return f"Relay/{version('relay')}"
    except PackageNotFoundError:
        return "Relay"


AGENT = _agent()


class Sendable(Protocol):
    """What is read of a request: ours, or one that requests has prepared."""

    method: Any
    headers: Any
    body: Any


def encode(request: Sendable, target: Target) -> bytes:
    """The bytes of `request` for `target`, head and body; raises RequestRefused."""
    if request.method not in METHODS:
        raise RequestRefused(f"The method must be one of {', '.join(sorted(METHODS))}.")
    check_headers(request.headers)
    lines = [
        f"{request.method} {target.path} HTTP/1.1\r\nHost: {target.authority}",
        "Accept-Encoding: identity",
    ]
    has_agent = False
    for name, value in request.headers.items():
        lower = name.lower()
        has_agent = has_agent or lower == "user-agent"
        if lower != "accept-encoding":
            lines.append(f"{name}: {value.strip()}")
    if not has_agent:
        lines.append(f"User-Agent: {AGENT}")
    body = request.body.encode() if isinstance(request.body, str) else request.body
    if body is not None or request.method in _WITH_LENGTH:
        lines.append(f"Content-Length: {len(body or b'')}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
