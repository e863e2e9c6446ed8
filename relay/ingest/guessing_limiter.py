"""Limits how often an address may be refused, so that no one can guess URLs."""

from __future__ import annotations

import time
from collections import OrderedDict

from relay.client_address import neighbourhood
from relay.token_bucket import Rate, TokenBucket

MAX_ADDRESSES = 10_000


class GuessingLimiter:
    """Counts the refusals of each address in one process. Accepted requests are neither counted nor limited."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return the seconds until the address may send again; 0.0 if it was not refused too often."""
        bucket = self._buckets.get(neighbourhood(address))
        return 0.0 if bucket is None else bucket.wait(time.monotonic())

    def refuse(self, address: str) -> float:
        """Count a refusal, and return the seconds that the address must wait; 0.0 within the rate."""
        if self._rate is None:
            return 0.0
        network = neighbourhood(address)
        bucket = self._buckets.get(network)
        if bucket is None:
            bucket = self._buckets[network] = TokenBucket(self._rate.number, self._rate.seconds)
            while len(self._buckets) > MAX_ADDRESSES:
                self._buckets.popitem(last=False)
        return bucket.take(time.monotonic())
