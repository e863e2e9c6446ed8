"""A destination that answers at once and records arrival times: `python -m tests.bench.sink PORT`."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

_ORDER = re.compile(rb"order #(\d+)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SLOW = re.compile(rb"[?&]ms=(\d+)")
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

# order id -> nanoseconds (CLOCK_MONOTONIC, the same in every process) of each delivery
arrivals: dict[int, list[int]] = {}


class Sink(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as the sender uses."""

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /report"):
            report = json.dumps(arrivals).encode()
            arrivals.clear()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(report) + report)
            return
        order = _ORDER.search(body)
        if order:
            arrivals.setdefault(int(order[1]), []).append(time.monotonic_ns())
        slow = _SLOW.search(head.split(b"\r\n", 1)[0])
        if slow:
            asyncio.get_running_loop().call_later(int(slow[1]) / 1000, self.transport.write, _OK)
        else:
            self.transport.write(_OK)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
