"""Destinations that misbehave, each on its own port."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"


def _pieces(data: bytes) -> Iterator[bytes]:
    """One byte at a time, five a second."""
    for byte in data:
        yield bytes([byte])
        time.sleep(0.2)


def _never() -> Iterator[bytes]:
    time.sleep(60)
    yield b""


WAYS: dict[str, Callable[[], Iterator[bytes]]] = {
    "never": _never,
    "head-by-bytes": lambda: _pieces(_HEAD + b"Content-Length: 2\r\n\r\nok"),
    "body-by-bytes": lambda: itertools.chain([_HEAD + b"Content-Length: 100\r\n\r\n"], _pieces(b"x" * 100)),
    "endless-head": lambda: itertools.chain([_HEAD], (b"X-More: %d\r\n" % n for n in itertools.count())),
    "endless-body": lambda: itertools.chain([_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(_CHUNK)),
    "garbage": lambda: iter([b"\x00\xff\x16\x03 no HTTP at all \r\n\r\n" * 3]),
    "half": lambda: iter([_HEAD + b"Content-Length: 100\r\n\r\nhalf of"]),
    "close": lambda: iter([]),
    "redirect": lambda: iter([b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"]),
}


class BadServers:
    """One listener for each way, so that each is a destination of its own; they end with the process."""

    def __init__(self) -> None:
        self._listeners = {way: socket.create_server(("127.0.0.1", 0), backlog=256) for way in WAYS}
        self.ports = {way: int(one.getsockname()[1]) for way, one in self._listeners.items()}

    def __enter__(self) -> Self:
        for way, listener in self._listeners.items():
            threading.Thread(target=_accept, args=[listener, WAYS[way]], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners.values():
            listener.close()


def _accept(listener: socket.socket, way: Callable[[], Iterator[bytes]]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=[client, way], daemon=True).start()


def _answer(client: socket.socket, way: Callable[[], Iterator[bytes]]) -> None:
    with client, contextlib.suppress(OSError):
        client.recv(65_536)
        for piece in way():
            client.sendall(piece)
