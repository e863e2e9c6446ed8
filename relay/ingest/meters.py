"""Meters: how much a URL or an address may send, over all processes, without asking Redis for each request."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from relay import queues
from relay.buckets import Bucket, Rate

# Of a rate's number, the share that a process takes at a time, and the most of it.
SHARE, MOST_AT_A_TIME = 0.1, 1_000
# Seconds that a request waits for Redis, and for which a process counts for itself when it waited in vain: longer
# than the client's own patience, so that a thread which hangs is back by then.
PATIENCE, ALONE = 0.1, 1.5
METERS_REMEMBERED = 10_000

Take = Callable[[str, float, float, int], tuple[int, float] | None]


class _Meter:
    """What a process has in hand of one rate. `bucket` counts while Redis is away."""

    __slots__ = ("asking", "bucket", "closed_until", "in_hand", "rate", "share", "waiting")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.share = max(1, min(int(rate.number * SHARE), MOST_AT_A_TIME))
        self.bucket = Bucket(rate.number, rate.seconds)
        self.in_hand = 0
        self.closed_until = 0.0
        self.waiting = 0
        self.asking: asyncio.Future[tuple[int, float] | None] | None = None


class Meters:
    """The meters of one process, used from one event loop."""

    def __init__(self, take: Take = queues.take) -> None:
        self._take = take
        self._meters: OrderedDict[object, _Meter] = OrderedDict()
        self._alone_until = 0.0
        self._thread: ThreadPoolExecutor | None = None

    def closed_for(self, key: object, rate: Rate) -> float:
        """Seconds for which nothing more is let through under `key`, as far as this process knows; takes nothing."""
        meter = self._meters.get(key)
        if meter is None or meter.in_hand or meter.rate != rate:
            return 0.0
        return max(0.0, meter.closed_until - time.monotonic())

    def at_hand(self, key: object, rate: Rate) -> bool:
        """Take one of what is in hand; False: `admit` must be asked."""
        meter = self._meters.get(key)
        if meter is None or not meter.in_hand or meter.rate is not rate:
            return False
        meter.in_hand -= 1
        if meter.in_hand == meter.share // 2:
            self._ask(key, meter)
        return True

    async def admit(self, key: object, rate: Rate) -> float:
        """0.0: one is let through; else the seconds until one can be. Never waits for Redis for long."""
        meter = self._meter(key, rate)
        while True:
            if self.at_hand(key, meter.rate):
                return 0.0
            now = time.monotonic()
            if now < meter.closed_until:
                return meter.closed_until - now
            if now < self._alone_until:
                return meter.bucket.take(now)
            asked = self._ask(key, meter)
            meter.waiting += 1
            await asyncio.wait({asked}, timeout=PATIENCE)
            meter.waiting -= 1
            if not asked.done():
                self._alone_until = time.monotonic() + ALONE

    def _meter(self, key: object, rate: Rate) -> _Meter:
        meter = self._meters.get(key)
        if meter is None or meter.rate != rate:
            meter = self._meters[key] = _Meter(rate)
            while len(self._meters) > METERS_REMEMBERED:
                self._meters.popitem(last=False)
        meter.rate = rate
        return meter

    def _ask(self, key: object, meter: _Meter) -> asyncio.Future[tuple[int, float] | None]:
        """Ask for more, once for all that wait; what comes is in hand by the time that this is done."""
        if meter.asking is None:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="meters")
            number, seconds, text = meter.rate
            want = min(max(meter.share, meter.waiting + 1), MOST_AT_A_TIME)
            loop = asyncio.get_running_loop()
            meter.asking = loop.run_in_executor(self._thread, self._take, f"{key}:{text}", number, seconds, want)
            meter.asking.add_done_callback(lambda done: self._told(meter, done))
        return meter.asking

    def _told(self, meter: _Meter, done: asyncio.Future[tuple[int, float] | None]) -> None:
        meter.asking = None
        told = None if done.cancelled() else done.result()
        if told is None:
            self._alone_until = time.monotonic() + ALONE
            return
        had, wait = told
        meter.in_hand += had
        if not had:
            meter.closed_until = time.monotonic() + wait

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
