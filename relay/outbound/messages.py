"""Defines requests and answers, checks the headers of requests, and encodes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import field

from relay import distribution
from relay.errors import RequestRefused
from relay.outbound.urls import Target

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024

_is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
# Control characters, line separators, and halves of surrogate pairs.
_find_unsendable = re.compile(r"[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\U0010ffff]").search
# Headers that frame the message or concern one connection are written by the sender.
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


class FilePart(msgspec.Struct, frozen=True):
    """A part of a body whose bytes are read when they are sent. `open` yields exactly `size` bytes, each time."""

    size: int
    open: Callable[[], Iterator[bytes]]


Security = Literal["STARTTLS", "TLS", "none"]


class Mail(msgspec.Struct, frozen=True):
    """A mail and its server. `parts`: the message; bytes as they are, with \\r\\n, and files, which become base64.

    Without recipients, no mail is sent: Relay only signs in to the server.
    """

    host: str
    port: int
    security: Security
    user: str
    password: str
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    parts: tuple[bytes | FilePart, ...]


# Takes a piece of an answer's body; returns whether it wants more.
Takes = Callable[[bytes], bool]


class Request(msgspec.Struct, frozen=True):
    """A request to send.

    `parts`: what is sent instead of `body`, which is then only shown. `receive`: called with the status and headers of
    an answer; a function that it returns is given the body piece by piece, and the answer's own body is empty.
    `mail`: what is sent by SMTP; the rest of the request then only shows it.

    `replayable` False: the sender must not cause the request to arrive twice (buying a label). It then never uses a
    kept connection, where a failed try may need a second one. `only`: the origins for which its secrets are; it is sent
    nowhere else. Empty: it has no secrets. `owner`: the id of the workspace that sends it, among which lookups and kept
    connections are shared fairly. 0: Relay itself.
    """

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    replayable: bool = True
    only: tuple[str, ...] = ()
    owner: int = 0
    parts: tuple[bytes | FilePart, ...] = ()
    receive: Callable[[int, Mapping[str, str]], Takes | None] | None = None
    mail: Mail | None = None

    @property
    def size(self) -> int:
        """The length of the body that is sent, in bytes."""
        if not self.parts:
            return len(self.body or b"")
        return sum(len(part) if isinstance(part, bytes) else part.size for part in self.parts)


class Answer(msgspec.Struct, frozen=True):
    """An answer of any status, redirects included.

    Header names are in lower case, repeated ones joined by ", ". `body` is decompressed, and has at most the sender's
    `keep` bytes; `truncated`: there was more. `fault`: why `body` isn't complete, as a part of a sentence. `seconds`:
    the time of the whole exchange.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    seconds: float
    fault: str = ""


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises RequestRefused if a header can't be sent as HTTP, or is written by Relay only."""
    if len(headers) > MAX_HEADERS:
        raise RequestRefused(f"A request may carry at most {MAX_HEADERS} headers.")
    size = 0
    for name, value in headers.items():
        _check_name(name)
        size += len(name) + _bytes_of(name, value) + 4
    if size > MAX_HEADER_BYTES:
        raise RequestRefused(f"The headers are longer than {MAX_HEADER_BYTES:,} bytes together.")


@lru_cache(maxsize=256)
def _check_name(name: str) -> None:
    if not _is_token(name):
        raise RequestRefused(f"{_shown(name)} can't be the name of a header: use letters, digits and hyphens.")
    lower = name.lower()
    if lower in _RESERVED or lower.startswith("proxy-"):
        raise RequestRefused(f"The header {_shown(name)} is written by Relay: leave it out.")


def _bytes_of(name: str, value: str) -> int:
    """The size of a header's value in bytes; raises RequestRefused if it can't be sent."""
    if value.isascii() and value.isprintable():
        return len(value)
    if _find_unsendable(value):
        raise RequestRefused(
            f"The value of the header {_shown(name)} has a line break, a control character or "
            "half of a surrogate pair in it."
        )
    return len(value.encode())


def _shown(name: str) -> str:
    return f'"{ascii(name)[1:-1][:60]}"'


AGENT = "/".join(filter(None, ("Relay", distribution.version())))


def encode(request: Request, target: Target) -> bytes:
    """Encodes `request` for `target`, head and body; only the head, if the body has parts. Raises RequestRefused."""
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
    body = request.body
    if body is not None or request.method in _WITH_LENGTH:
        lines.append(f"Content-Length: {request.size}")
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if request.parts or not body else head + body
