"""Decompresses bodies with a Content-Encoding, after their sender is verified, to the bodies that are stored."""

from __future__ import annotations

import asyncio

from relay.bodies import content_encoding
from relay.errors import PayloadError
from relay.ingest.http_errors import RequestRejected
from relay.ingest.inbound_request import InboundRequest
from relay.models import Why

# Bodies that are decompressed at the same time; one of a megabyte takes up to 15 ms.
CONCURRENCY = 2


class BodyUnpacking:
    """Decompresses bodies in threads. Used from one event loop."""

    def __init__(self) -> None:
        self._semaphore = asyncio.Semaphore(CONCURRENCY)

    async def unpack(self, request: InboundRequest, max_bytes: int) -> bytes:
        """Return the decompressed body. Raises RequestRejected: 400 if it can't be decompressed, 413 past `max_bytes`.

        Signatures are checked over the bytes as they were sent, so decompression follows verification.
        """
        coding = request.headers["content-encoding"]
        if not content_encoding.is_compressed(coding) or not request.body:
            return request.body
        try:
            async with self._semaphore:
                body, is_cut = await asyncio.to_thread(content_encoding.decompress, request.body, coding, max_bytes)
        except PayloadError as error:
            raise RequestRejected(400, Why.ENCODING, str(error), message=str(error)) from None
        if is_cut:
            reason = f"The body has more than {max_bytes:,} bytes when it is unpacked; this URL takes {max_bytes:,}"
            raise RequestRejected(
                413, Why.SIZE, reason, message=f"The body may have {max_bytes} bytes when it is unpacked"
            )
        return body
