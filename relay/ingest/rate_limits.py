"""Limits the rate of a URL or an address over all processes, without asking Redis for each request."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from relay import queues
from relay.token_bucket import Rate, TokenBucket

# The share of a rate's number that a process takes from Redis at a time, and its maximum.
SHARE, MAX_AT_A_TIME = 0.1, 1_000
# Seconds that a request waits for Redis, and for which a process then counts by itself: longer than the client's
# own timeout, so that a thread which hangs has returned by then.
REDIS_SECONDS, ALONE_SECONDS = 0.1, 1.5
MAX_LIMITS = 10_000

Take = Callable[[str, float, float, int], tuple[int, float] | None]


class _Limit:
    """The tokens of one rate that this process holds. `bucket` counts while Redis is down."""

    __slots__ = ("asking", "blocked_until", "bucket", "rate", "share", "tokens", "waiting")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.share = max(1, min(int(rate.number * SHARE), MAX_AT_A_TIME))
        self.bucket = TokenBucket(rate.number, rate.seconds)
        self.tokens = 0
        self.blocked_until = 0.0
        self.waiting = 0
        self.asking: asyncio.Future[tuple[int, float] | None] | None = None


class RateLimits:
    """The rate limits of one process. Used from one event loop."""

    def __init__(self, take: Take = queues.take_tokens) -> None:
        self._take = take
        self._limits: OrderedDict[object, _Limit] = OrderedDict()
        self._alone_until = 0.0
        self._thread: ThreadPoolExecutor | None = None

    def blocked_seconds(self, key: object, rate: Rate) -> float:
        """Return the seconds for which `key` is refused, as far as this process knows; takes no token."""
        limit = self._limits.get(key)
        if limit is None or limit.tokens or limit.rate != rate:
            return 0.0
        return max(0.0, limit.blocked_until - time.monotonic())

    def take_local(self, key: object, rate: Rate) -> bool:
        """Take one of the tokens that this process holds; if it returns False, call `admit`."""
        limit = self._limits.get(key)
        if limit is None or not limit.tokens or limit.rate is not rate:
            return False
        limit.tokens -= 1
        if limit.tokens == limit.share // 2:
            self._ask(key, limit)
        return True

    async def admit(self, key: object, rate: Rate) -> float:
        """Take a token and return 0.0, or return the seconds until one is available. Never waits long for Redis."""
        limit = self._limit(key, rate)
        while True:
            if self.take_local(key, limit.rate):
                return 0.0
            now = time.monotonic()
            if now < limit.blocked_until:
                return limit.blocked_until - now
            if now < self._alone_until:
                return limit.bucket.take(now)
            reply = self._ask(key, limit)
            limit.waiting += 1
            await asyncio.wait({reply}, timeout=REDIS_SECONDS)
            limit.waiting -= 1
            if not reply.done():
                self._alone_until = time.monotonic() + ALONE_SECONDS

    def _limit(self, key: object, rate: Rate) -> _Limit:
        limit = self._limits.get(key)
        if limit is None or limit.rate != rate:
            limit = self._limits[key] = _Limit(rate)
            while len(self._limits) > MAX_LIMITS:
                self._limits.popitem(last=False)
        limit.rate = rate
        return limit

    def _ask(self, key: object, limit: _Limit) -> asyncio.Future[tuple[int, float] | None]:
        """Ask Redis for more tokens, once for all that wait; the limit holds them when the future is done."""
        if limit.asking is None:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rate-limits")
            number, seconds, text = limit.rate
            want = min(max(limit.share, limit.waiting + 1), MAX_AT_A_TIME)
            loop = asyncio.get_running_loop()
            limit.asking = loop.run_in_executor(self._thread, self._take, f"{key}:{text}", number, seconds, want)
            limit.asking.add_done_callback(lambda done: self._receive(limit, done))
        return limit.asking

    def _receive(self, limit: _Limit, done: asyncio.Future[tuple[int, float] | None]) -> None:
        limit.asking = None
        grant = None if done.cancelled() else done.result()
        if grant is None:
            self._alone_until = time.monotonic() + ALONE_SECONDS
            return
        number, wait = grant
        limit.tokens += number
        if not number:
            limit.blocked_until = time.monotonic() + wait

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
