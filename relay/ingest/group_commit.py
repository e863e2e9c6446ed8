"""Stores requests that arrive together in one transaction, and answers each only after the commit.

The committing thread does nothing else. Reads, and anything that may take long, run in a second thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from django.db import Error, connection

from relay.engine.intake import event_store, rejections
from relay.engine.intake.event_store import Accepted, CachedTrigger, Prepared, TriggerCache
from relay.engine.intake.rejections import Rejected, Rejections
from relay.engine.settle import caller_replies
from relay.engine.settle.caller_replies import CallerReply
from relay.ingest.backlog import Backlog, Waiting
from relay.queues import Wakeup

log = structlog.get_logger()
Result = TypeVar("Result")

# Seconds for which a trigger counts as current after it was read: a request may be refused without reading it again.
FRESH_SECONDS = 0.05
# Seconds for which rejected requests are collected before they are stored.
REJECTIONS_SECONDS = 0.5


class GroupCommitter:
    """Owns the committing thread, the reading thread and the wakeup of workers. Used from one event loop."""

    def __init__(self) -> None:
        self.triggers = TriggerCache()
        self._wakeup = Wakeup()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ingest")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ingest-reading")
        self._backlog = Backlog()
        self._busy = False
        self._drained: asyncio.Future[None] | None = None
        self._rejections = Rejections()
        self._rejections_timer: asyncio.TimerHandle | None = None
        self._storing: ThreadFuture[None] | None = None

    async def find(self, token_digest: str) -> CachedTrigger | None:
        """Return the trigger with a token; queries the database only if the trigger isn't cached."""
        trigger = self.triggers.cached(token_digest)
        return await self.run(lambda: self.triggers.find(token_digest)) if trigger is None else trigger

    async def find_current(self, token_digest: str) -> CachedTrigger | None:
        """Return the trigger as it is in the database, or was a moment ago; raises django.db.Error."""
        cached = self.triggers.cached(token_digest)
        if cached is not None and self.triggers.was_checked_within(token_digest, FRESH_SECONDS):
            return cached
        return await self.run(lambda: self.triggers.refresh(token_digest))

    async def reload(self, trigger: CachedTrigger, token_digest: str) -> CachedTrigger | None:
        """Return the trigger with a token, after it has changed since `trigger` was loaded."""
        cached = self.triggers.cached(token_digest)
        if cached is None or cached is trigger:
            return await self.run(lambda: self.triggers.refresh(token_digest))
        return cached

    async def run(self, call: Callable[[], Result]) -> Result:
        """Call a function that uses the database, in the reading thread."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, _with_connection, call)

    async def replies(self, events: list[int]) -> list[CallerReply]:
        """Return the stored replies for callers that wait for these events."""
        return await self.run(lambda: caller_replies.find(events))

    async def store(self, prepared: Prepared) -> Accepted:
        """Store a request together with others that wait now; returns after the commit.

        Raises Overloaded, or the django.db.Error for which it was not stored.
        """
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._backlog.add(prepared, done)
        if not self._busy:
            self._commit_next()
        return await done

    def _commit_next(self) -> None:
        batch = self._backlog.take()
        self._busy = bool(batch)
        if not batch:
            if self._drained is not None:
                self._drained.set_result(None)
            return
        loop = asyncio.get_running_loop()
        commit = self._thread.submit(_commit, [prepared for prepared, _ in batch])
        commit.add_done_callback(lambda done: loop.call_soon_threadsafe(self._committed, batch, done))

    def _committed(self, batch: list[Waiting], commit: ThreadFuture[list[Accepted]]) -> None:
        self._commit_next()
        error = commit.exception()
        if error is not None:
            log.error("ingest.not_stored", requests=len(batch), reason=str(error))
            _fail(batch, error)
            return
        self._wakeup.request()
        for (_, done), accepted in zip(batch, commit.result(), strict=True):
            if not done.done():
                done.set_result(accepted)

    def reject(self, rejected: Rejected) -> None:
        """Store a rejected request soon, together with others; the sender doesn't wait for it."""
        self._rejections.add(rejected)
        if self._rejections_timer is None:
            self._rejections_timer = asyncio.get_running_loop().call_later(REJECTIONS_SECONDS, self._store_rejections)

    def _store_rejections(self) -> None:
        self._rejections_timer = None
        # While the database is slow, at most one batch is being stored; others are collected in the meantime, and
        # beyond a limit only counted.
        if self._storing is None or self._storing.done():
            self._storing = self._thread.submit(_store_rejections, self._rejections.take())
        else:
            self._rejections_timer = asyncio.get_running_loop().call_later(REJECTIONS_SECONDS, self._store_rejections)

    async def close(self) -> None:
        """Store all requests that wait, wake the workers, and end the threads."""
        if self._rejections_timer is not None:
            self._rejections_timer.cancel()
            self._thread.submit(_store_rejections, self._rejections.take())
        if self._busy:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        for thread in (self._thread, self._reader):
            thread.submit(_close_connection)
            thread.shutdown()
        self._wakeup.close()


def _commit(prepared: list[Prepared]) -> list[Accepted]:
    return _with_connection(lambda: event_store.store(prepared))


def _fail(batch: list[Waiting], error: BaseException) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)


def _with_connection(run: Callable[[], Result]) -> Result:
    """Run in the current thread; close a broken connection, so that the next commit opens another."""
    try:
        return run()
    except Error:
        connection.close()
        raise


def _store_rejections(batch: rejections.RejectionBatch) -> None:
    try:
        _with_connection(lambda: rejections.store(batch))
    except Error as error:
        log.warning("ingest.rejected_not_kept", requests=len(batch.kept) + batch.more.total(), reason=str(error))


def _close_connection() -> None:
    """Close the database connection of the current thread."""
    connection.close()
