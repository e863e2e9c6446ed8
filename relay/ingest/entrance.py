"""What the server calls: `/in/` is ingest, `/health/` a look at the database, everything else the pages, if any."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, close_old_connections, connection

from relay.forwarded import plain
from relay.ingest import scopes, uploads
from relay.ingest.answers import TEXT, Receive, Scope, Send, send_answer
from relay.ingest.application import PREFIX, Ingest

Pages = Callable[[Any, Any, Any], Awaitable[None]]


class Entrance:
    """Hands each scope to the part that serves it, and drains ingest when the server stops."""

    def __init__(self, pages: Pages | None = None) -> None:
        self.ingest = Ingest()
        self.is_closing = False  # this answer is the last one of its connection
        self._pages = pages or _nothing_else

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, _closing(send) if self.is_closing else send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(PREFIX):
            await self.ingest(scope, receive, send)
        elif scope["path"] == "/health/":
            await _health(send)
        else:
            await self._page(_as_seen(scope), receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        if uploads.is_too_large(scope):
            await uploads.refuse(send)
            return
        upload = uploads.Upload(receive)
        await self._pages(scope, upload, send)
        if upload.refusal is not None:
            await uploads.refuse(send, *upload.refusal)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                # The loop, the thread that stores and Django's take turns often: an acknowledgement waits for all.
                sys.setswitchinterval(0.0005)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.ingest.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _as_seen(scope: Scope) -> Scope:
    """The scope with the sender's own address, and without X-Forwarded-Proto where no trusted proxy wrote it."""
    client = scope.get("client")
    if not settings.TRUSTED_PROXIES or not client:
        return scope
    if plain(str(client[0])) in settings.TRUSTED_PROXIES:
        return {**scope, "client": (scopes.remote(scope), client[1])}
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"x-forwarded-proto"]}


def _closing(send: Send) -> Send:
    """Tell the caller that nothing more is taken on this connection."""

    async def told(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return told


async def _nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    await _say(send, 404, b"This process takes events at /in/ and has no pages\n")


async def _health(send: Send) -> None:
    if await sync_to_async(_database_answers)():
        await _say(send, 200, b"ok\n")
    else:
        await _say(send, 503, b"the database does not answer\n")


def _database_answers() -> bool:
    try:
        close_old_connections()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


async def _say(send: Send, status: int, body: bytes) -> None:
    await send_answer(send, status, [*TEXT, (b"cache-control", b"no-store")], body)
