"""Bodies: read whole, within their time and size."""

from __future__ import annotations

import contextlib

from django.conf import settings

from relay.ingest.answers import Answer, Receive, Refused
from relay.ingest.patience import Patience
from relay.models import Why

# Bytes of a body that is too large which are still read, and thrown away: a sender that finds the connection
# closed while it is sending never sees the 413.
DISCARDED = 16 * 1024 * 1024
# Bytes that a sender is rid of before it looks for an answer, whoever reads them.
BUFFERED = 64 * 1024
# Pieces in which a body may come, beside one for so many bytes: each costs as much as reading 50 KB in one.
PIECES, BYTES_A_PIECE = 1_000, 256
CLOSE = (b"connection", b"close")


async def read(receive: Receive, headers: dict[str, str], most: int, patience: Patience) -> bytes:
    """The whole body; 413 past `most` bytes, declared or counted, 408 when it comes too slowly."""
    declared = _declared(headers)
    if declared > most + DISCARDED:
        raise _too_large(most, f"{declared:,}", declared, [])
    chunks: list[bytes] = []
    try:
        with patience.for_task(settings.BODY_TIMEOUT):
            return await _read(receive, most, chunks)
    except TimeoutError:
        raise _too_slow(b"".join(chunks)) from None


def _declared(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "")
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


async def discard(receive: Receive, headers: dict[str, str], patience: Patience) -> None:
    """Read and throw away the body of a request that is refused already, so that its sender sees the answer."""
    declared = _declared(headers)
    if "expect" in headers or (declared <= BUFFERED and "transfer-encoding" not in headers):
        return
    with contextlib.suppress(Answer):
        await read(receive, headers, 0, patience)


async def _read(receive: Receive, most: int, chunks: list[bytes]) -> bytes:
    size = pieces = 0
    while True:
        message = await receive()
        pieces += 1
        if message["type"] == "http.disconnect":
            raise Answer(400, "The connection was closed before the body was whole")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most + DISCARDED:
            raise _too_large(most, f"at least {size:,}", size, chunks)
        if pieces > PIECES + size // BYTES_A_PIECE:
            raise _too_many_pieces(pieces, size, chunks)
        if size <= most or not chunks:
            chunks.append(chunk)
        if not message.get("more_body", False):
            if size > most:
                raise _too_large(most, f"{size:,}", size, chunks)
            return b"".join(chunks)


def _too_large(most: int, has: str, size: int, chunks: list[bytes]) -> Refused:
    return Refused(
        413,
        Why.SIZE,
        f"The body has {has} bytes; this URL takes {most:,}",
        message=f"The body may have {most} bytes",
        headers=[CLOSE],
        body=b"".join(chunks),
        size=size,
    )


def _too_many_pieces(pieces: int, size: int, chunks: list[bytes]) -> Refused:
    reason = f"The body came in {pieces:,} pieces for its first {size:,} bytes"
    message = "Send the body in larger pieces"
    return Refused(400, Why.SIZE, reason, message=message, headers=[CLOSE], body=b"".join(chunks))


def _too_slow(body: bytes) -> Refused:
    within = f"within {settings.BODY_TIMEOUT:g} s"
    reason = f"The body did not arrive {within}; {len(body):,} bytes of it did"
    return Refused(408, Why.TIME, reason, message=f"The body did not arrive {within}", body=body)
