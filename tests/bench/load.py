"""A load of orders: as fast as a number of connections can, or at a fixed rate."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field


@dataclass
class Load:
    """What was sent: for each order, nanoseconds of sending and of the acknowledgement (only 2xx)."""

    sent: dict[int, int] = field(default_factory=dict)
    acknowledged: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)


def order(number: int) -> bytes:
    """An order of about 1 KB, as a shop would send it."""
    lines = [
        {"sku": f"SKU-{n:04}", "title": f"Enamel mug, 350 ml, colour {n}", "quantity": n, "price": "24.90"}
        for n in range(1, 4)
    ]
    return json.dumps(
        {
            "id": number,
            "event": "order.created",
            "currency": "EUR",
            "total": "150.40",
            "customer": {"id": number % 997, "name": "Ada Lovelace", "email": f"customer{number}@example.com"},
            "shipping_address": {"line1": "Invalidenstrasse 1", "city": "Berlin", "zip": "10115", "country": "DE"},
            "line_items": lines,
            "note": "Please leave the parcel with the neighbour on the second floor if nobody opens. " * 3,
            "tags": ["web", "newsletter"],
        }
    ).encode()


class Client(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
        if len(self.buffer) >= end + 4 + length and self.answered is not None:
            self.buffer = self.buffer[end + 4 + length :]
            self.answered.set_result(int(head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionError("closed"))

    async def post(self, path: str, body: bytes, content_type: str = "application/json") -> int:
        self.answered = asyncio.get_running_loop().create_future()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)
        return await self.answered


async def connect(port: int) -> Client:
    _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
    return client


async def _one(client: Client, path: str, number: int, load: Load) -> None:
    load.sent[number] = time.monotonic_ns()
    status = await client.post(path, order(number))
    if 200 <= status < 300:
        load.acknowledged[number] = time.monotonic_ns()
    else:
        load.refused[status] = load.refused.get(status, 0) + 1


async def burst(
    port: int, path: str, *, first: int, count: int, connections: int = 32, load: Load | None = None
) -> Load:
    """`count` orders as fast as `connections` can; into `load` as it goes, where one is given."""
    load = Load() if load is None else load
    numbers = iter(range(first, first + count))

    async def run() -> None:
        client = await connect(port)
        with contextlib.suppress(ConnectionError), contextlib.closing(client.transport):
            for number in numbers:
                await _one(client, path, number, load)

    await asyncio.gather(*(run() for _ in range(connections)))
    return load


async def steady(port: int, path: str, *, first: int, rate: float, seconds: float) -> Load:
    """`rate` orders a second, each sent at its time whether or not the one before is answered."""
    load = Load()
    free: asyncio.LifoQueue[Client] = asyncio.LifoQueue()
    started = time.monotonic()
    tasks = []

    async def run(number: int) -> None:
        client = free.get_nowait() if not free.empty() else await connect(port)
        await _one(client, path, number, load)
        free.put_nowait(client)

    for index in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + index / rate - time.monotonic()))
        tasks.append(asyncio.create_task(run(first + index)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().transport.close()
    return load
