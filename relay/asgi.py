"""The ASGI application: `/in/` is ingest, `/health/` a look at the database, everything else Django."""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from asgiref.sync import sync_to_async

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
django.setup(set_prefix=False)

from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.db import DatabaseError, close_old_connections, connection  # noqa: E402

from relay.ingest.application import PREFIX, Ingest, Receive, Scope, Send  # noqa: E402

# Ingest's loop, its storing thread and Django's threads take turns often: an acknowledgement waits for all three.
sys.setswitchinterval(0.0005)


class Application:
    """Hands each scope to the part that serves it, and drains ingest when the server stops."""

    def __init__(self) -> None:
        self.ingest = Ingest()
        self.django = ASGIHandler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] != "http":
            return
        elif scope["path"].startswith(PREFIX):
            await self.ingest(scope, receive, send)
        elif scope["path"] == "/health/":
            await _health(send)
        else:
            await self.django(scope, receive, send)  # type: ignore[arg-type]

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.ingest.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _health(send: Send) -> None:
    healthy = await sync_to_async(_database_answers)()
    status, body = (200, b"ok\n") if healthy else (503, b"the database does not answer\n")
    headers: Any = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _database_answers() -> bool:
    try:
        close_old_connections()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


application = Application()
