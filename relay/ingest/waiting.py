"""Callers that wait for what their run answers: a future each, and one thread that hears for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from django.db import Error

from relay.engine import answers
from relay.engine.answers import Reply
from relay.ingest.answers import Receive
from relay.queues import Listener

log = structlog.get_logger()

MOST = 10_000  # callers that wait at once; more are answered at once
# Seconds between looks into the ledger: where Redis is away, and else, in case a message was lost.
LOOK_EVERY, LOOK_ANYWAY = 0.5, 5.0
# Replies kept for callers who begin to wait a moment later, for a reply can be faster than that.
EARLY = 2_000
READY = 1.0  # seconds that the first caller waits until the thread hears

Find = Callable[[list[int]], Awaitable[list[Reply]]]


class Waiting:
    """The callers of one process. `find` looks into the ledger."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._futures: dict[int, list[asyncio.Future[Reply | None]]] = {}
        self._early: OrderedDict[int, Reply] = OrderedDict()
        self._listener: Listener | None = None
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    async def ready(self) -> None:
        """Hear from now on, as far as Redis is there; before the event is stored."""
        if self._listener is not None and self._listener.listens:
            return
        if self._listener is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._listener = Listener(lambda message: self._pass_on(loop, message))
        for _ in range(int(READY / 0.02)):
            if self._listener is None or self._listener.listens:
                return
            await asyncio.sleep(0.02)

    def _pass_on(self, loop: asyncio.AbstractEventLoop, message: bytes) -> None:
        loop.call_soon_threadsafe(self._heard, answers.read(message))

    async def reply(self, event_id: int, seconds: float, receive: Receive, *, is_known: bool) -> Reply | None:
        """What the event's run answers; None at the end of the wait, where the caller has gone, or Relay stops.

        `is_known`: it came before, so its answer may be in the ledger already.
        """
        early = self._early.pop(event_id, None)
        if early is not None or self._closed or len(self._futures) >= MOST:
            return early
        future: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(event_id, []).append(future)
        self._look_after(soon=is_known)
        gone = asyncio.ensure_future(_gone(receive))
        gone.add_done_callback(lambda _: _settle(future, None))
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return None
        finally:
            gone.cancel()
            self._forget(event_id, future)

    def _forget(self, event_id: int, future: asyncio.Future[Reply | None]) -> None:
        rest = [one for one in self._futures.get(event_id, ()) if one is not future]
        if rest:
            self._futures[event_id] = rest
        else:
            self._futures.pop(event_id, None)

    def close(self) -> None:
        """Let all go: their events are stored, and their runs go on."""
        self._closed = True
        for futures in list(self._futures.values()):
            for future in futures:
                _settle(future, None)
        if self._listener is not None:
            self._listener.close()
        if self._looking is not None:
            self._looking.cancel()

    def _heard(self, reply: Reply) -> None:
        futures = self._futures.pop(reply.event, None)
        if futures is None:
            self._early[reply.event] = reply
            while len(self._early) > EARLY:
                self._early.popitem(last=False)
            return
        for future in futures:
            _settle(future, reply)

    def _look_after(self, *, soon: bool) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_again_and_again())
        elif soon:
            self._looking.cancel()
            self._looking = asyncio.ensure_future(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        """Look into the ledger at once, and then as long as somebody waits."""
        while self._futures and not self._closed:
            with contextlib.suppress(Error):
                for reply in await self._find(list(self._futures)):
                    self._heard(reply)
            await asyncio.sleep(LOOK_ANYWAY if self._listener and self._listener.listens else LOOK_EVERY)


def _settle(future: asyncio.Future[Reply | None], reply: Reply | None) -> None:
    if not future.done():
        future.set_result(reply)


async def _gone(receive: Receive) -> None:
    """Until the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - only the server knows
        # What else a server says after the body is no news; one that says it without end isn't asked so often.
        await asyncio.sleep(1)
