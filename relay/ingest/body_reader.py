"""Reads whole request bodies within limits of time, size and number of chunks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from django.conf import settings

from relay.ingest.http_errors import EarlyAnswer, Receive, RequestRejected
from relay.ingest.read_timeout import ReadTimeout
from relay.ingest.spools import Spool, Spools
from relay.models import Why

# Bytes beyond the limit that are still read and discarded: a sender whose connection is closed while it is
# sending never sees the 413.
MAX_DISCARDED_BYTES = 16 * 1024 * 1024
# Bytes that fit into socket buffers: the sender finishes sending them even if nobody reads.
BUFFERED_BYTES = 64 * 1024
# A body may have this many chunks, and one more per BYTES_PER_CHUNK: each costs as much as reading 50 KB at once.
MAX_CHUNKS, BYTES_PER_CHUNK = 1_000, 256
CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class LargeBody:
    """How a body with files is read that is longer than others may be: into a spool, up to `most` bytes."""

    spools: Spools
    workspace_id: int
    most: int


async def read(
    receive: Receive,
    headers: dict[str, str],
    max_bytes: int,
    read_timeout: ReadTimeout,
    large: LargeBody | None = None,
) -> bytes | Spool:
    """Return the whole body; 413 past `max_bytes`, declared or counted, 408 past the timeout.

    With `large`, a longer body is returned as a spool, and has more time: a second for each 256 KiB that arrived.
    """
    declared, most = _declared_bytes(headers), large.most if large else max_bytes
    if declared > most + MAX_DISCARDED_BYTES:
        raise _too_large(most, f"{declared:,}", declared, [])
    chunks: list[bytes] = []
    try:
        with read_timeout.for_task(settings.BODY_TIMEOUT):
            whole, is_last = await _read(receive, max_bytes, chunks, is_large=large is not None)
            if large is None or sum(map(len, chunks)) <= max_bytes:
                return whole
            return await _spooled(receive, large, chunks, read_timeout, is_last=is_last)
    except TimeoutError:
        raise _too_slow(b"".join(chunks)) from None


async def _spooled(
    receive: Receive, large: LargeBody, chunks: list[bytes], read_timeout: ReadTimeout, *, is_last: bool
) -> Spool:
    """Read the rest of a body, whose first chunks are given, into a spool."""
    spool = large.spools.open(large.workspace_id)
    try:
        count = len(chunks)
        data = b"".join(chunks)
        chunks.clear()
        while True:
            if await spool.add(data):
                read_timeout.extend(1.0)
            if spool.size > large.most:
                raise _too_large(large.most, f"more than {large.most:,}", spool.size, [])
            if count > MAX_CHUNKS + spool.size // BYTES_PER_CHUNK:
                raise _too_many_chunks(count, spool.size, [])
            if is_last:
                await spool.flush()
                return spool
            message = await receive()
            count += 1
            if message["type"] == "http.disconnect":
                raise _gone()
            data, is_last = message.get("body", b""), not message.get("more_body", False)
    except BaseException:
        spool.close()
        raise


def _declared_bytes(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "")
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


async def discard(receive: Receive, headers: dict[str, str], read_timeout: ReadTimeout) -> None:
    """Read and discard the body of a request that is refused already, so that its sender sees the response."""
    declared = _declared_bytes(headers)
    if "expect" in headers or (declared <= BUFFERED_BYTES and "transfer-encoding" not in headers):
        return
    with contextlib.suppress(EarlyAnswer):
        await read(receive, headers, 0, read_timeout)


async def _read(receive: Receive, max_bytes: int, chunks: list[bytes], *, is_large: bool) -> tuple[bytes, bool]:
    """Return the body and True; if it may be large, its beginning once that is longer than `max_bytes`."""
    size = count = 0
    while True:
        message = await receive()
        count += 1
        if message["type"] == "http.disconnect":
            raise _gone()
        chunk = message.get("body", b"")
        size += len(chunk)
        if is_large and size > max_bytes:
            chunks.append(chunk)
            return b"", not message.get("more_body", False)
        if size > max_bytes + MAX_DISCARDED_BYTES:
            raise _too_large(max_bytes, f"at least {size:,}", size, chunks)
        if count > MAX_CHUNKS + size // BYTES_PER_CHUNK:
            raise _too_many_chunks(count, size, chunks)
        if size <= max_bytes or not chunks:
            chunks.append(chunk)
        if not message.get("more_body", False):
            if size > max_bytes:
                raise _too_large(max_bytes, f"{size:,}", size, chunks)
            return b"".join(chunks), True


def _gone() -> EarlyAnswer:
    return EarlyAnswer(400, "The connection was closed before the body was whole")


def _too_large(max_bytes: int, has: str, size: int, chunks: list[bytes]) -> RequestRejected:
    return RequestRejected(
        413,
        Why.SIZE,
        f"The body has {has} bytes; this URL takes {max_bytes:,}",
        message=f"The body may have {max_bytes} bytes",
        headers=[CLOSE],
        body=b"".join(chunks),
        size=size,
    )


def _too_many_chunks(count: int, size: int, chunks: list[bytes]) -> RequestRejected:
    reason = f"The body came in {count:,} pieces for its first {size:,} bytes"
    message = "Send the body in larger pieces"
    return RequestRejected(400, Why.SIZE, reason, message=message, headers=[CLOSE], body=b"".join(chunks))


def _too_slow(body: bytes) -> RequestRejected:
    within = f"within {settings.BODY_TIMEOUT:g} s"
    reason = f"The body did not arrive {within}; {len(body):,} bytes of it did"
    return RequestRejected(408, Why.TIME, reason, message=f"The body did not arrive {within}", body=body)
