"""Starts the renewals and removals of webhooks that are due, in threads: a slow service must not delay upkeep."""

from __future__ import annotations

import time
from functools import partial

import structlog

from relay.engine.configuration import subscription_renewal
from relay.engine.configuration.subscription_renewal import SubscriptionLease
from relay.engine.database.workspace_threads import WorkspaceThreads

log = structlog.get_logger()

EVERY = 5.0  # seconds
MAX_THREADS = 4
MAX_THREADS_OF_WORKSPACE = 2
ROUND_ROWS = 50


class SubscriptionThreads:
    """The renewals of this process."""

    def __init__(self) -> None:
        self._threads = WorkspaceThreads("subscription", limit=MAX_THREADS, workspace_limit=MAX_THREADS_OF_WORKSPACE)
        self._next_at = 0.0
        self.wait = self._threads.wait

    def tick(self) -> None:
        """Start what is due and has room. One round of upkeep, with a query every few seconds."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + EVERY
        self.start()

    def start(self) -> None:
        for one in subscription_renewal.due(ROUND_ROWS):
            if self._threads.has_room(one.workspace_id) and (lease := subscription_renewal.take(one)) is not None:
                self._threads.start(one.workspace_id, partial(_work, lease))


def _work(lease: SubscriptionLease) -> None:
    try:
        subscription_renewal.work(lease)
    except Exception:
        # It is due again when the lease has ended.
        log.exception("subscription.broke", subscription=lease.subscription_id)


_threads = SubscriptionThreads()
tick = _threads.tick
wait = _threads.wait
