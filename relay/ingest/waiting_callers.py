"""Holds the callers that wait for the response of their run: one future for each, and one listening thread for all."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from django.db import Error

from relay.engine.settle import caller_replies
from relay.engine.settle.caller_replies import CallerReply
from relay.ingest.http_errors import Receive
from relay.queues import Listener

log = structlog.get_logger()

MAX_CALLERS = 10_000  # that wait at the same time; further callers don't wait
# Seconds between queries for stored replies: while Redis is down, and otherwise, in case a message was lost.
POLL_SECONDS, POLL_SECONDS_LISTENING = 0.5, 5.0
# Replies that are kept for callers that start to wait a moment later: a run can be faster than its caller.
MAX_EARLY_REPLIES = 2_000
LISTEN_SECONDS = 1.0  # that the first caller waits until the thread listens

Find = Callable[[list[int]], Awaitable[list[CallerReply]]]


class WaitingCallers:
    """The waiting callers of one process. `find` queries the stored replies of events."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._futures: dict[int, list[asyncio.Future[CallerReply | None]]] = {}
        self._early: OrderedDict[int, CallerReply] = OrderedDict()
        self._listener: Listener | None = None
        self._polling: asyncio.Task[None] | None = None
        self._closed = False

    async def listen(self) -> None:
        """Start to listen for replies, if Redis is up. Call this before the event is stored."""
        if self._listener is not None and self._listener.is_listening:
            return
        if self._listener is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._listener = Listener(lambda message: self._receive(loop, message))
        for _ in range(int(LISTEN_SECONDS / 0.02)):
            if self._listener is None or self._listener.is_listening:
                return
            await asyncio.sleep(0.02)

    def _receive(self, loop: asyncio.AbstractEventLoop, message: bytes) -> None:
        reply = caller_replies.read(message)
        if reply is not None:
            loop.call_soon_threadsafe(self._deliver, reply)

    async def wait_for_reply(
        self, event_id: int, seconds: float, receive: Receive, *, is_known: bool
    ) -> CallerReply | None:
        """Return the reply of the event's run; None after `seconds`, if the caller disconnects or if Relay stops.

        `is_known`: the event is a duplicate, so its reply may be stored already.
        """
        early = self._early.pop(event_id, None)
        if early is not None or self._closed or len(self._futures) >= MAX_CALLERS:
            return early
        future: asyncio.Future[CallerReply | None] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(event_id, []).append(future)
        self._start_polling(at_once=is_known)
        disconnect = asyncio.ensure_future(_wait_for_disconnect(receive))
        disconnect.add_done_callback(lambda _: _resolve(future, None))
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return None
        finally:
            disconnect.cancel()
            self._forget(event_id, future)

    def _forget(self, event_id: int, future: asyncio.Future[CallerReply | None]) -> None:
        rest = [other for other in self._futures.get(event_id, ()) if other is not future]
        if rest:
            self._futures[event_id] = rest
        else:
            self._futures.pop(event_id, None)

    def close(self) -> None:
        """Release all callers: their events are stored, and their runs continue."""
        self._closed = True
        for futures in list(self._futures.values()):
            for future in futures:
                _resolve(future, None)
        if self._listener is not None:
            self._listener.close()
        if self._polling is not None:
            self._polling.cancel()

    def _deliver(self, reply: CallerReply) -> None:
        futures = self._futures.pop(reply.event, None)
        if futures is None:
            self._early[reply.event] = reply
            while len(self._early) > MAX_EARLY_REPLIES:
                self._early.popitem(last=False)
            return
        for future in futures:
            _resolve(future, reply)

    def _start_polling(self, *, at_once: bool) -> None:
        if self._polling is None or self._polling.done():
            self._polling = asyncio.ensure_future(self._poll())
        elif at_once:
            self._polling.cancel()
            self._polling = asyncio.ensure_future(self._poll())

    async def _poll(self) -> None:
        """Query stored replies now, and then again for as long as callers wait."""
        while self._futures and not self._closed:
            with contextlib.suppress(Error):
                for reply in await self._find(list(self._futures)):
                    self._deliver(reply)
            await asyncio.sleep(
                POLL_SECONDS_LISTENING if self._listener and self._listener.is_listening else POLL_SECONDS
            )


def _resolve(future: asyncio.Future[CallerReply | None], reply: CallerReply | None) -> None:
    if not future.done():
        future.set_result(reply)


async def _wait_for_disconnect(receive: Receive) -> None:
    """Return when the caller has disconnected."""
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - only the server knows
        # Other messages after the body mean nothing; the pause keeps a server that repeats them from busy-looping.
        await asyncio.sleep(1)
