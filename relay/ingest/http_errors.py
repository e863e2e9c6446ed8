"""Defines the exceptions that end a request early, and sends responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from relay.models import Why

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

NOSNIFF = (b"x-content-type-options", b"nosniff")
TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), NOSNIFF]
JSON: Headers = [(b"content-type", b"application/json"), NOSNIFF]
# A flow may respond with any document, often from the pages' origin: this header keeps browsers from running it.
_INERT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox")


class EarlyAnswer(Exception):
    """Ends a request with this response; nothing of the request is stored."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or []


class RequestRejected(EarlyAnswer):
    """Ends a request and stores it as rejected, with `reason`, a sentence for the people who own the flow.

    The sender gets `message`, or only the phrase of the status. `body` is the part that was read; `size` is the
    length of the whole body in bytes.
    """

    def __init__(
        self,
        status: int,
        why: Why,
        reason: str,
        *,
        message: str = "",
        headers: Headers | None = None,
        body: bytes | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(status, message or HTTPStatus(status).phrase, headers)
        self.why = why
        self.reason = reason
        self.body = body
        self.size = size


def unknown_url() -> EarlyAnswer:
    """The answer to a URL under /in/ that no trigger has."""
    return EarlyAnswer(404, "No such URL")


async def send_answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, _INERT]})
    await send({"type": "http.response.body", "body": body})
