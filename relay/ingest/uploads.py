"""Bodies for pages and API: bounded before Django, which puts all that comes into a file and waits for ever."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.conf import settings

from relay.ingest.answers import TEXT, Receive, Scope, Send, send_answer

# More than Django takes of any form or call: it refuses those itself, with a page.
MOST = 8 * 1024 * 1024
_TOO_LARGE = (413, f"A request may have {MOST:,} bytes\n")


class Upload:
    """`receive` for one request: past MOST bytes, or too late, the caller seems gone, and `refusal` is what to say."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = MOST
        self._until = time.monotonic() + settings.BODY_TIMEOUT
        self._is_whole = False
        self.refusal: tuple[int, str] | None = None

    async def __call__(self) -> dict[str, Any]:
        if self._is_whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(self._until - time.monotonic(), 0.001))
        except TimeoutError:
            return self._gone(408, f"The body did not arrive within {settings.BODY_TIMEOUT:g} s\n")
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            return self._gone(*_TOO_LARGE)
        self._is_whole = not message.get("more_body", False)
        return message

    def _gone(self, status: int, text: str) -> dict[str, Any]:
        self.refusal = (status, text)
        return {"type": "http.disconnect"}


def is_too_large(scope: Scope) -> bool:
    """Whether a request says itself that its body is larger than MOST."""
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return any(value.isdigit() and int(value[:20]) > MOST for value in lengths)


async def refuse(send: Send, status: int = _TOO_LARGE[0], text: str = _TOO_LARGE[1]) -> None:
    """Answer, and let the connection end: what is left of the body is no other request."""
    await send_answer(send, status, [*TEXT, (b"connection", b"close")], text.encode())
