"""Routes each request: `/in/` to ingest, `/health/` to a check of the database, anything else to the pages, if any."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, close_old_connections, connection

from relay.client_address import plain
from relay.ingest import asgi_scope, body_limit
from relay.ingest.application import PREFIX, Ingest
from relay.ingest.http_errors import TEXT, Receive, Scope, Send, send_answer

Pages = Callable[[Any, Any, Any], Awaitable[None]]


class AsgiApp:
    """Passes each scope to the application that serves it, and drains ingest when the server stops."""

    def __init__(self, pages: Pages | None = None) -> None:
        self.ingest = Ingest()
        self.is_closing = False  # each response now is the last one of its connection
        self._pages = pages or _not_found
        self._bodies = body_limit.KeptBodies()

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
        elif settings.INGEST_HOST and settings.INGEST_HOST in asgi_scope.hosts(scope):
            await _not_found(scope, receive, send)
        else:
            await self._page(_behind_proxy(scope), receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        if body_limit.is_too_large(scope):
            await body_limit.refuse(send)
            return
        client = scope.get("client")
        limited = body_limit.LimitedBody(receive, self._bodies, plain(str(client[0])) if client else "")
        try:
            await self._pages(scope, limited, send)
        finally:
            limited.close()
        if limited.refusal is not None:
            await body_limit.refuse(send, *limited.refusal)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                # The event loop, the committing thread and Django's switch often: a response waits for all of them.
                sys.setswitchinterval(0.0005)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.ingest.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _behind_proxy(scope: Scope) -> Scope:
    """Return the scope with the sender's own address, and without X-Forwarded-Proto unless a trusted proxy wrote it."""
    client = scope.get("client")
    if not settings.TRUSTED_PROXIES or not client:
        return scope
    if plain(str(client[0])) in settings.TRUSTED_PROXIES:
        return {**scope, "client": (asgi_scope.remote(scope), client[1])}
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"x-forwarded-proto"]}


def _closing(send: Send) -> Send:
    """Announce with each response that the connection closes after it."""

    async def send_closing(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return send_closing


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await _respond(send, 404, b"Events are taken here at /in/, and there are no pages\n")


async def _health(send: Send) -> None:
    if await sync_to_async(_database_answers)():
        await _respond(send, 200, b"ok\n")
    else:
        await _respond(send, 503, b"the database does not answer\n")


def _database_answers() -> bool:
    try:
        close_old_connections()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


async def _respond(send: Send, status: int, body: bytes) -> None:
    await send_answer(send, status, [*TEXT, (b"cache-control", b"no-store")], body)
