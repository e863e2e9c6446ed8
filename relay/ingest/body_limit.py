"""Limits size and time of bodies for pages and API: Django alone would write any body to a file, without a timeout."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.conf import settings

from relay.ingest.http_errors import TEXT, Receive, Scope, Send, send_answer

# More than Django accepts for any form or API call: Django refuses those itself, with a page.
MAX_BYTES = 8 * 1024 * 1024
_TOO_LARGE = (413, f"A request may have {MAX_BYTES:,} bytes\n")


class LimitedBody:
    """Wraps `receive`: past MAX_BYTES or the timeout it reports a disconnect, and `refusal` holds status and text."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = MAX_BYTES
        self._until = time.monotonic() + settings.BODY_TIMEOUT
        self._is_whole = False
        self.refusal: tuple[int, str] | None = None

    async def __call__(self) -> dict[str, Any]:
        if self._is_whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(self._until - time.monotonic(), 0.001))
        except TimeoutError:
            return self._disconnect(408, f"The body did not arrive within {settings.BODY_TIMEOUT:g} s\n")
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            return self._disconnect(*_TOO_LARGE)
        self._is_whole = not message.get("more_body", False)
        return message

    def _disconnect(self, status: int, text: str) -> dict[str, Any]:
        self.refusal = (status, text)
        return {"type": "http.disconnect"}


def is_too_large(scope: Scope) -> bool:
    """Return whether the Content-Length of a request is over MAX_BYTES."""
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return any(value.isdigit() and int(value[:20]) > MAX_BYTES for value in lengths)


async def refuse(send: Send, status: int = _TOO_LARGE[0], text: str = _TOO_LARGE[1]) -> None:
    """Respond and close the connection, so that the rest of the body isn't read as another request."""
    await send_answer(send, status, [*TEXT, (b"connection", b"close")], text.encode())
