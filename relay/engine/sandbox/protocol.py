"""Reads and writes the messages between a helper process and its client: a length of four bytes, then JSON.

The JSON is that of Python's own module, because numbers of any size and unpaired surrogates must be preserved.
"""

from __future__ import annotations

import contextlib
import resource
import struct
from pathlib import Path
from typing import Any, BinaryIO

from relay.bodies import numerals

LENGTH = struct.Struct("!I")


def read(stream: Any) -> Any | None:
    """The next message; None if the stream has ended."""
    head = _exactly(stream, LENGTH.size)
    body = None if head is None else _exactly(stream, LENGTH.unpack(head)[0])
    return None if body is None else numerals.loads(body)


def _exactly(stream: Any, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = stream.read(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def write(stream: BinaryIO, message: Any) -> None:
    send(stream, numerals.dumps(message).encode())


def send(stream: BinaryIO, body: bytes) -> None:
    """Write a message that is already encoded as JSON."""
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def limit_memory(extra_bytes: int) -> None:
    """Limit this process to `extra_bytes` more than it uses now.

    Works on Linux, where /proc shows what is used; elsewhere only the parent's timeout limits a process.
    """
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + extra_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
