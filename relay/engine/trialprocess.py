"""The helper process of trials: questions on standard input, answers on standard output, and nothing else.

A message is its length in four bytes and JSON: numbers of any size and half surrogates have to pass.
"""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import select
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

from relay.engine.trial import answer

# Seconds without a question after which it ends.
IDLE = 300.0
# Bytes beyond what it has when it is ready, and seconds of CPU for one question: past them, the system ends it.
ROOM = 160 * 1024 * 1024
CPU = 2
LENGTH = struct.Struct("!I")


def main() -> None:
    """Answer until standard input ends, or nobody has asked for a while."""
    questions, answers = sys.stdin.buffer.raw, sys.stdout.buffer  # type: ignore[union-attr]
    # Ctrl-C reaches all of a terminal's processes; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(ROOM)
    gc.freeze()
    while select.select([questions], [], [], IDLE)[0]:
        asked = read(questions)
        if asked is None:
            return
        _renew_cpu()
        write(answers, answer(asked))


def read(stream: Any) -> Any | None:
    """The next message; None where the stream has ended."""
    head = _exactly(stream, LENGTH.size)
    body = None if head is None else _exactly(stream, LENGTH.unpack(head)[0])
    return None if body is None else json.loads(body)


def _exactly(stream: Any, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = stream.read(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def write(stream: BinaryIO, message: Any) -> None:
    send(stream, json.dumps(message).encode())


def send(stream: BinaryIO, body: bytes) -> None:
    """Write a message that is JSON already."""
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def limit_memory(room: int) -> None:
    """Let this process have so many bytes more.

    On Linux, as far as /proc tells what is taken already; elsewhere the parent's clock has to do.
    """
    with contextlib.suppress(OSError, ValueError):
        most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + room
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _renew_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + CPU, hard))


if __name__ == "__main__":
    main()
