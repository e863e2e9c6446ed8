"""Bodies: read whole, within their time and size."""

from __future__ import annotations

from django.conf import settings

from relay.ingest.answers import Answer, Receive, Refused
from relay.ingest.patience import Patience
from relay.models import Why

# Bytes of a body that is too large which are still read, and thrown away: a sender that finds the connection
# closed while it is sending never sees the 413.
DISCARDED = 16 * 1024 * 1024


async def read(receive: Receive, headers: dict[str, str], most: int, patience: Patience) -> bytes:
    """The whole body; 413 past `most` bytes, declared or counted, 408 when it comes too slowly."""
    declared = headers.get("content-length", "")
    known = int(declared[:20]) if declared.isascii() and declared.isdigit() else 0
    if known > most + DISCARDED:
        raise _too_large(most, f"{known:,}", known, [])
    chunks: list[bytes] = []
    try:
        with patience.for_task(settings.BODY_TIMEOUT):
            return await _read(receive, most, chunks)
    except TimeoutError:
        raise _too_slow(b"".join(chunks)) from None


async def _read(receive: Receive, most: int, chunks: list[bytes]) -> bytes:
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Answer(400, "The connection was closed before the body was whole")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most + DISCARDED:
            raise _too_large(most, f"at least {size:,}", size, chunks)
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
        headers=[(b"connection", b"close")],
        body=b"".join(chunks),
        size=size,
    )


def _too_slow(body: bytes) -> Refused:
    within = f"within {settings.BODY_TIMEOUT:g} s"
    reason = f"The body did not arrive {within}; {len(body):,} bytes of it did"
    return Refused(408, Why.TIME, reason, message=f"The body did not arrive {within}", body=body)
