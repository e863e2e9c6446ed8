"""Work: claim, walk and settle, again and again until nothing is due or the slice is over."""

from __future__ import annotations

import functools
import time

from django.conf import settings

from relay import queues
from relay.engine import sql
from relay.engine.claim import BATCH, claim, renew
from relay.engine.settle import settle
from relay.engine.walkers import STUCK_AFTER, Walkers
from relay.outbound import Sender


@functools.cache
def sender() -> Sender:
    """The one sender of this process, with its kept-alive connections."""
    return Sender(
        allowed_networks=settings.ALLOWED_NETWORKS,
        origins=settings.CONNECTOR_URLS,
        timeout=settings.HTTP_TIMEOUT,
        keep=settings.ANSWER_BYTES,
    )


@functools.cache
def _walkers() -> Walkers:
    sql.lower_durability()
    return Walkers(sender(), settings.WORKER_THREADS)


def work(*, walkers: Walkers | None = None) -> int:
    """Work on due runs until none is due; the number settled. Rings again when its time slice ended before."""
    walkers = walkers or _walkers()
    until = time.monotonic() + settings.WORKER_SLICE
    renewed = time.monotonic()
    settled = 0
    while True:
        more = time.monotonic() < until and not queues.stopping.is_set()
        room = min(BATCH, settings.WORKER_THREADS + BATCH - len(walkers.in_hand)) if more else 0
        if room > 0 and not walkers.waiting:
            errands = claim(room)
            if errands:
                walkers.give(errands)
        if not walkers.in_hand:
            break
        settled += settle(walkers.fetch(STUCK_AFTER))
        if time.monotonic() - renewed > settings.LEASE / 4:
            renewed = time.monotonic()
            renew(walkers.in_hand)
    if time.monotonic() >= until:
        queues.ring()
    return settled
