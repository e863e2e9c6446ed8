"""Serving: the server of an ASGI application, and how it stops without cutting a request off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

if TYPE_CHECKING:
    from relay.ingest.entrance import Entrance

# Connections that may wait to be taken, and requests under way at once: callers that wait for an answer are some.
_BACKLOG = 1024
_REQUESTS = 16_384
# Seconds in which those who are connected send what they connected for, when nothing new is taken any more.
_GRACE = 0.5


def serve(application: Entrance, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests in hand are finished."""
    _open_many_files()
    uvloop.run(_served(application, host, port))


def _open_many_files() -> None:
    """Take as many connections as the system lets this process have; often it gives out 1,024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _REQUESTS if hard == resource.RLIM_INFINITY else min(hard, _REQUESTS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _served(application: Entrance, host: str, port: int) -> None:
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_REQUESTS,
        log_access=False,
        log_level=LogLevels.error,
    )
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    stopping = asyncio.create_task(_stop(server, application, port, asked))
    await server.serve()
    stopping.cancel()


async def _stop(server: Server, application: Entrance, port: int, asked: asyncio.Event) -> None:
    """Take no new connection, let those that are there ask once more, then stop.

    The server itself closes a connection that it has just taken and whose request is still on its way.
    """
    await asked.wait()
    application.is_closing = True
    application.ingest.let_go()
    _stop_listening(port)
    await asyncio.sleep(_GRACE)
    server.stop()  # type: ignore[no-untyped-call]


def _stop_listening(port: int) -> None:
    # The server keeps its listener to itself: another socket, at which nobody knocks, takes that one's place.
    with socket.socket() as deaf:
        for number in _open_files():
            if _listens_at(number, port):
                os.dup2(deaf.fileno(), number, inheritable=False)


def _open_files() -> list[int]:
    return [int(entry.name) for entry in Path("/dev/fd").iterdir() if entry.name.isdigit()]


def _listens_at(number: int, port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as one:
        listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(listens) and one.getsockname()[1] == port
    return False
