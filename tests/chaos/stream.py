"""A steady stream of orders that continues through faults, and a count of orders that must not be missing."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg

from tests.bench.__main__ import flow, free_port, report
from tests.bench.load import Client, order
from tests.support.running import Relay, wait_until

# What one worker may hold at once: a batch being walked, its threads, and the next batch.
IN_HAND = 64 + 32 + 64
UNDER_WAY = ("queued", "running")


class Sink:
    """The benchmark's destination in a process of its own, and all that reached it so far."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(self.port)])
        self.times: Counter[int] = Counter()
        wait_until(self._answers, what="the sink answers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            report(self.port)
        except OSError:
            return False
        return True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/slack"

    def delivered(self) -> set[int]:
        for number, times in report(self.port).items():
            self.times[number] += len(times)
        return set(self.times)

    @property
    def doubled(self) -> int:
        return sum(times - 1 for times in self.times.values())


@dataclass
class Books:
    """What became of each order: its status, or that the connection broke after it was sent (`cut`)."""

    acknowledged: set[int] = field(default_factory=set)
    refused: Counter[int] = field(default_factory=Counter)
    cut: set[int] = field(default_factory=set)


class Stream:
    """Orders from a thread, at a rate over several connections, each of which takes `most` orders or breaks."""

    def __init__(
        self, port: int, path: str, *, rate: float = 200.0, connections: int = 8, first: int = 1, most: float = math.inf
    ) -> None:
        self.books = Books()
        self._most = most
        self._port, self._path = port, path
        self._pause = connections / rate
        self._next = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(connections)), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Books:
        """Send no more; the books, when all that was sent has been answered or cut."""
        self._over.set()
        self._thread.join(40)
        assert not self._thread.is_alive(), "a request was never answered"
        return self.books

    def wait_for(self, more: int, *, seconds: float = 30.0) -> None:
        """Return when the given number of further orders have been acknowledged."""
        goal = len(self.books.acknowledged) + more
        wait_until(lambda: len(self.books.acknowledged) >= goal, seconds=seconds, what=f"{more} acknowledgements")

    async def _run(self, connections: int) -> None:
        await asyncio.gather(*(self._send() for _ in range(connections)))

    async def _send(self) -> None:
        client: Client | None = None
        sent = 0
        while not self._over.is_set():
            await asyncio.sleep(self._pause)
            if client is None or client.transport.is_closing():
                client, sent = await self._connected(), 0
            if client is not None:
                await self._order(client)
                sent += 1
                if sent >= self._most:
                    client.transport.close()
        if client is not None:
            client.transport.close()

    async def _connected(self) -> Client | None:
        try:
            _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", self._port)
        except OSError:
            return None  # nobody listens just now
        return client

    async def _order(self, client: Client) -> None:
        number = self._next
        self._next += 1
        try:
            status = await client.post(self._path, order(number))
        except ConnectionError:
            self.books.cut.add(number)
            return
        if 200 <= status < 300:
            self.books.acknowledged.add(number)
        else:
            self.books.refused[status] += 1


def port(relay: Relay) -> int:
    return urlsplit(relay.url).port or 0


def again(relay: Relay) -> None:
    """Start it where it listened before."""
    relay.start("--port", str(port(relay)))


def publish(relay: Relay, destination: str) -> str:
    """The path of the URL of a flow that sends each order to a destination."""
    return publish_document(relay, flow(destination))


def publish_document(relay: Relay, document: dict[str, Any]) -> str:
    return publish_documents(relay, document)[0]


def publish_documents(relay: Relay, *documents: dict[str, Any]) -> list[str]:
    """The paths of the URLs of flows."""
    relay.run(["user", "add", "ann@example.com"], given="correct horse battery\n")
    made = [relay.json("import", "-", "--publish", given=json.dumps(document)) for document in documents]
    return [str(urlsplit(one["url"]).path) for one in made]


def rows(relay: Relay, statement: str) -> list[tuple[Any, ...]]:
    """Rows of its database, read beside its processes."""
    if url := relay.env.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(f"file:{relay.folder}/relay.sqlite3?mode=ro", uri=True, timeout=20)) as database:
        return database.execute(statement).fetchall()


def states(relay: Relay) -> dict[str, int]:
    """Runs by state."""
    return dict(rows(relay, "SELECT state, count(*) FROM relay_run GROUP BY state"))


def assert_all_is_well(relay: Relay, sink: Sink, books: Books, *, twice: int, seconds: float = 30.0) -> None:
    """All that was acknowledged is delivered, at most `twice` deliveries too many, and nothing is under way."""
    wait_until(lambda: books.acknowledged <= sink.delivered(), seconds=seconds, what="all acknowledged is delivered")
    wait_until(lambda: not set(UNDER_WAY) & set(states(relay)), seconds=seconds, what="nothing is under way")
    sink.delivered()
    assert sink.doubled <= twice
    assert set(states(relay)) == {"succeeded"}
