"""Limits size, time and sum of bodies for pages and API: Django alone writes any body to a file, without a timeout."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from django.conf import settings

from relay.client_address import neighbourhood
from relay.ingest.http_errors import TEXT, Receive, Scope, Send, send_answer

# More than Django accepts for any form or API call: Django refuses those itself, with a page.
MAX_BYTES = 8 * 1024 * 1024
# Bytes of all bodies that Django keeps at once, and of those of one address. Django takes a body before it knows who
# sends it, so these limits are the only ones for people who are not signed in.
MAX_BYTES_OF_ALL, MAX_BYTES_OF_ADDRESS = 512 * 1024 * 1024, 64 * 1024 * 1024
# Bytes of each body that don't count: large bodies of others never prevent a sign-in or the saving of a form.
UNCOUNTED_BYTES = 64 * 1024
_TOO_LARGE = (413, f"A request may have {MAX_BYTES:,} bytes\n")
_TOO_MANY = (503, "Too many large requests at once; send it again in a moment\n")


class KeptBodies:
    """Counts the bytes of bodies that are kept, in this process. Used from one event loop."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()  # by address
        self._sum = 0

    def take(self, address: str, size: int) -> bool:
        """Count bytes of an address; False, and nothing is counted, if there are too many already."""
        if self._sum + size > MAX_BYTES_OF_ALL or self._bytes[address] + size > MAX_BYTES_OF_ADDRESS:
            return False
        self._bytes[address] += size
        self._sum += size
        return True

    def give_back(self, address: str, size: int) -> None:
        self._sum -= size
        self._bytes[address] -= size
        if self._bytes[address] <= 0:
            del self._bytes[address]


class LimitedBody:
    """Wraps `receive`: past a limit it reports a disconnect, and `refusal` holds status and text.

    Call `close` when the request is answered: until then, its body counts among `kept`.
    """

    def __init__(self, receive: Receive, kept: KeptBodies, address: str) -> None:
        self._receive = receive
        self._kept, self._address = kept, neighbourhood(address)
        self._counted = 0
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
        if not self._count():
            return self._disconnect(*_TOO_MANY)
        self._is_whole = not message.get("more_body", False)
        return message

    def _count(self) -> bool:
        size = max(MAX_BYTES - self._left - UNCOUNTED_BYTES, 0) - self._counted
        if size and not self._kept.take(self._address, size):
            return False
        self._counted += size
        return True

    def close(self) -> None:
        """Stop counting the body."""
        if self._counted:
            self._kept.give_back(self._address, self._counted)
        self._counted = 0

    def _disconnect(self, status: int, text: str) -> dict[str, Any]:
        self.refusal = (status, text)
        return {"type": "http.disconnect"}


def is_too_large(scope: Scope) -> bool:
    """Return whether the Content-Length of a request is over MAX_BYTES."""
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return any(value.isdigit() and int(value[:20]) > MAX_BYTES for value in lengths)


async def refuse(send: Send, status: int = _TOO_LARGE[0], text: str = _TOO_LARGE[1]) -> None:
    """Respond and close the connection, so that the rest of the body isn't read as another request."""
    retry = [(b"retry-after", b"5")] if status == 503 else []
    await send_answer(send, status, [*TEXT, *retry, (b"connection", b"close")], text.encode())
