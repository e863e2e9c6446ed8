"""Group commit: requests that arrive together share one transaction, and each is answered only after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from django.db import Error, connection

from relay.engine import answers, intake, rejections
from relay.engine.answers import Reply
from relay.engine.intake import Accepted, Arrival, Door, Doors
from relay.engine.rejections import Rejected, Rejections
from relay.queues import Bell

log = structlog.get_logger()
Result = TypeVar("Result")

# Bytes and requests that may wait for a commit before further ones are turned away (503).
MOST_WAITING = 20_000
MOST_BYTES = 64 * 1024 * 1024
# Seconds after a look at the doors within which a request may be refused without another.
STALE = 0.05
# Seconds for which rejected requests are gathered before they are stored.
REJECTED_EVERY = 0.5


class Overloaded(Exception):
    """More waits for a commit than may be kept in memory."""


class Committer:
    """One thread that stores; one bell that tells workers. Used from one event loop."""

    def __init__(self) -> None:
        self.doors = Doors()
        self._bell = Bell()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ingest")
        self._waiting: list[tuple[Arrival, asyncio.Future[Accepted]]] = []
        self._bytes = 0
        self._busy = False
        self._drained: asyncio.Future[None] | None = None
        self._rejections = Rejections()
        self._gathering: asyncio.TimerHandle | None = None
        self._keeping: ThreadFuture[None] | None = None

    async def find(self, token_digest: str) -> Door | None:
        """The door behind a token; asked of the database only when it isn't remembered."""
        door = self.doors.remembered(token_digest)
        if door is None:
            loop = asyncio.get_running_loop()
            door = await loop.run_in_executor(self._thread, self._find, token_digest)
        return door

    async def look(self, token_digest: str) -> Door | None:
        """The door as the database has it, or had it a moment ago; django.db.Error when that can't be asked."""
        if not self.doors.looked_within(STALE):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._find, token_digest)
        return await self.find(token_digest)

    async def run(self, call: Callable[[], Result]) -> Result:
        """Do something with the database, in the thread that stores."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _with_connection, call)

    def _find(self, token_digest: str) -> Door | None:
        return _with_connection(lambda: self._fresh(token_digest))

    def _fresh(self, token_digest: str) -> Door | None:
        self.doors.refresh()
        return self.doors.find(token_digest)

    async def replies(self, events: list[int]) -> list[Reply]:
        """What the ledger has for callers that wait for these events."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: _with_connection(lambda: answers.find(events)))

    async def store(self, arrival: Arrival) -> Accepted:
        """Store an arrival with whatever else arrives now; returns after the commit.

        Raises Overloaded, or the django.db.Error that kept it from being stored.
        """
        if len(self._waiting) >= MOST_WAITING or self._bytes > MOST_BYTES:
            raise Overloaded
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, done))
        self._bytes += len(arrival.body)
        if not self._busy:
            self._commit_next()
        return await done

    def _commit_next(self) -> None:
        batch, self._waiting, self._bytes = self._waiting, [], 0
        self._busy = bool(batch)
        if not batch:
            if self._drained is not None:
                self._drained.set_result(None)
            return
        loop = asyncio.get_running_loop()
        commit = self._thread.submit(self._commit, [arrival for arrival, _ in batch])
        commit.add_done_callback(lambda done: loop.call_soon_threadsafe(self._committed, batch, done))

    def _commit(self, arrivals: list[Arrival]) -> list[Accepted]:
        return _with_connection(lambda: intake.accept(arrivals, self.doors))

    def _committed(
        self,
        batch: list[tuple[Arrival, asyncio.Future[Accepted]]],
        commit: ThreadFuture[list[Accepted]],
    ) -> None:
        self._commit_next()
        error = commit.exception()
        if error is not None:
            log.error("ingest.not_stored", requests=len(batch), reason=str(error))
            _tell(batch, error)
            return
        self._bell.strike()
        for (_, done), accepted in zip(batch, commit.result(), strict=True):
            if not done.done():
                done.set_result(accepted)

    def reject(self, rejected: Rejected) -> None:
        """Keep a rejected request, soon and with others; nobody waits for it."""
        self._rejections.add(rejected)
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(REJECTED_EVERY, self._keep_rejected)

    def _keep_rejected(self) -> None:
        self._gathering = None
        # While the database is slow one batch is under way at most; meanwhile they are gathered, and beyond
        # some only counted.
        if self._keeping is None or self._keeping.done():
            self._keeping = self._thread.submit(_keep_rejected, self._rejections.take())
        else:
            self._gathering = asyncio.get_running_loop().call_later(REJECTED_EVERY, self._keep_rejected)

    async def close(self) -> None:
        """Store what waits, ring, and end the thread."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._thread.submit(_keep_rejected, self._rejections.take())
        if self._busy:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        self._thread.submit(_hang_up)
        self._thread.shutdown()
        self._bell.close()


def _tell(batch: list[tuple[Arrival, asyncio.Future[Accepted]]], error: BaseException) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)


def _with_connection(run: Callable[[], Result]) -> Result:
    """Run in the ingest thread; a broken connection is dropped, so that the next commit opens another."""
    try:
        return run()
    except Error:
        connection.close()
        raise


def _keep_rejected(batch: rejections.Batch) -> None:
    try:
        _with_connection(lambda: rejections.store(batch))
    except Error as error:
        log.warning("ingest.rejected_not_kept", requests=len(batch.kept) + batch.more.total(), reason=str(error))


def _hang_up() -> None:
    """Close the connection of the thread that runs this."""
    connection.close()
