"""The guard: who is refused again and again can't go on guessing at URLs."""

from __future__ import annotations

import time
from collections import OrderedDict

from relay.buckets import Bucket, Rate
from relay.forwarded import neighbourhood

ADDRESSES_REMEMBERED = 10_000


class Guard:
    """Counts what one process refuses to each address. Who is let in is not counted, and never kept out."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until the address may be refused again; 0.0 where it hasn't been too often."""
        bucket = self._buckets.get(neighbourhood(address))
        return 0.0 if bucket is None else bucket.wait(time.monotonic())

    def refuse(self, address: str) -> float:
        """Count a refusal; when there were too many, the seconds until the next one may be."""
        if self._rate is None:
            return 0.0
        place = neighbourhood(address)
        bucket = self._buckets.get(place)
        if bucket is None:
            bucket = self._buckets[place] = Bucket(self._rate.number, self._rate.seconds)
            while len(self._buckets) > ADDRESSES_REMEMBERED:
                self._buckets.popitem(last=False)
        return bucket.take(time.monotonic())
