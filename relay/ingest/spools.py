"""Keeps large bodies in temporary files while they arrive, so that memory holds only a piece of each."""

from __future__ import annotations

import asyncio
import mmap
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings

from relay.ingest.http_errors import EarlyAnswer

log = structlog.get_logger()

# Bytes of a body that are collected in memory before they are written, and read at once.
PIECE_BYTES = 256 * 1024
# Bytes of all bodies that may be in temporary files, and of those of one workspace. Beyond them, senders get a 503.
MAX_BYTES_OF_ALL, MAX_BYTES_OF_WORKSPACE = 4 << 30, 2 << 30
# Threads that write: a slow disk delays only large bodies.
WRITERS = 2


class Spools:
    """The temporary files of one process. Used from one event loop."""

    def __init__(self) -> None:
        self._bytes: Counter[int] = Counter()  # by workspace
        self._threads: ThreadPoolExecutor | None = None

    def open(self, workspace_id: int) -> Spool:
        """Return a new spool. Raises EarlyAnswer if there is no place for a temporary file."""
        try:
            return Spool(self, workspace_id)
        except OSError as error:
            raise full(error) from None

    async def write(self, file: IO[bytes], data: bytes) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(WRITERS, thread_name_prefix="spooling")
        await asyncio.get_running_loop().run_in_executor(self._threads, file.write, data)

    def take(self, workspace_id: int, size: int) -> None:
        """Count bytes of a workspace. Raises EarlyAnswer if there are too many already."""
        if self._bytes.total() + size > MAX_BYTES_OF_ALL or self._bytes[workspace_id] + size > MAX_BYTES_OF_WORKSPACE:
            raise EarlyAnswer(503, "Too many large requests at once; send it again in a moment", RETRY)
        self._bytes[workspace_id] += size

    def give_back(self, workspace_id: int, size: int) -> None:
        self._bytes[workspace_id] -= size
        if self._bytes[workspace_id] <= 0:
            del self._bytes[workspace_id]

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


class Spool:
    """One large body in a temporary file without a name, which the system removes when it is closed."""

    def __init__(self, spools: Spools, workspace_id: int) -> None:
        self.size = 0
        self._spools, self._workspace_id = spools, workspace_id
        self._written = 0
        self._buffer: list[bytes] = []
        folder: Path = settings.DATA.path
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder if folder.is_dir() else None)  # noqa: SIM115

    async def add(self, data: bytes) -> bool:
        """Add a chunk, and return whether it was written now. Raises EarlyAnswer if the disk or the share is full."""
        self._spools.take(self._workspace_id, len(data))
        self.size += len(data)
        self._buffer.append(data)
        if self.size - self._written < PIECE_BYTES:
            return False
        await self.flush()
        return True

    async def flush(self) -> None:
        """Write what is collected in memory."""
        data, self._buffer = b"".join(self._buffer), []
        self._written = self.size
        try:
            await self._spools.write(self._file, data)
        except OSError as error:
            raise full(error) from None

    def whole(self) -> bytes:
        """Return the whole body in memory."""
        self._file.seek(0)
        return self._file.read()

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, a piece at a time."""
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def mapped(self) -> mmap.mmap:
        """Return the body mapped into memory, of which the system keeps only what is read."""
        self._file.flush()
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._spools.give_back(self._workspace_id, self.size)


RETRY = [(b"retry-after", b"5")]


def full(error: OSError) -> EarlyAnswer:
    """Log why a body can't be kept, and return the answer to its sender."""
    log.error("ingest.no_space", reason=f"{type(error).__name__}: {error.strerror}")
    return EarlyAnswer(503, "Not stored; send it again in a moment", RETRY)
