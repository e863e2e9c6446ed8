"""Runs the server of an ASGI application, and stops it without cutting requests off."""

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
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

if TYPE_CHECKING:
    from relay.ingest.asgi_app import AsgiApp

# Connections that may wait to be accepted, and requests at the same time, including callers that wait for a reply.
_BACKLOG = 1024
_MAX_REQUESTS = 16_384
# Seconds in which open connections may still send a request, after the server stopped listening.
_GRACE_SECONDS = 0.5


def serve(application: AsgiApp, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; open requests are finished."""
    _open_many_files()
    uvloop.run(_serve(application, host, port))


def _open_many_files() -> None:
    """Raise the limit of open files, so that the process can have more connections than the usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_REQUESTS if hard == resource.RLIM_INFINITY else min(hard, _MAX_REQUESTS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(application: AsgiApp, host: str, port: int) -> None:
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        # Without TLS no client uses HTTP/2, and a connection with half a preface would never be closed.
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_MAX_REQUESTS,
        log_access=False,
        log_level=LogLevels.error,
    )
    stop_asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_asked.set)
    stopping = asyncio.create_task(_stop(server, application, port, stop_asked))
    await server.serve()
    stopping.cancel()


async def _stop(server: Server, application: AsgiApp, port: int, stop_asked: asyncio.Event) -> None:
    """Stop listening, let open connections send one more request, then stop.

    The server alone would close a connection that it has just accepted and whose request is still arriving.
    """
    await stop_asked.wait()
    application.is_closing = True
    application.ingest.release_callers()
    _stop_listening(port)
    await asyncio.sleep(_GRACE_SECONDS)
    server.stop()  # type: ignore[no-untyped-call]


def _stop_listening(port: int) -> None:
    # The server doesn't expose its listening socket: replace its file descriptor by an unbound socket.
    with socket.socket() as unbound:
        for number in _open_files():
            if _listens_at(number, port):
                os.dup2(unbound.fileno(), number, inheritable=False)


def _open_files() -> list[int]:
    return [int(entry.name) for entry in Path("/dev/fd").iterdir() if entry.name.isdigit()]


def _listens_at(number: int, port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as candidate:
        listens = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(listens) and candidate.getsockname()[1] == port
    return False
