"""Answers that end a request early, and how any answer is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from relay.models import Why

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
JSON: Headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
# What a flow answers may be any document, and it stands at the origin of the pages: none of it runs, whatever its
# headers say, since of several policies each must allow a thing.
_INERT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox")


class Answer(Exception):
    """Stop here and answer this; nothing of the request is kept."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or []


class Refused(Answer):
    """Stop here, and keep the request with `reason` for the flow's people: that is a sentence for them.

    The sender is told `message`, or no more than the status's name. `body`: as much of it as was read; `size`:
    the bytes that it has.
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


async def send_answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, _INERT]})
    await send({"type": "http.response.body", "body": body})
