"""Starts the renewals and removals of webhooks that are due, in threads: a slow service must not delay upkeep."""

from __future__ import annotations

import threading
import time

import structlog

from relay.engine.configuration import subscription_renewal
from relay.engine.configuration.subscription_renewal import SubscriptionLease
from relay.engine.database import statements

log = structlog.get_logger()

EVERY = 5.0  # seconds
MAX_THREADS = 4
MAX_THREADS_OF_WORKSPACE = 2
ROUND_ROWS = 50


class SubscriptionThreads:
    """The renewals of this process. Its threads have database connections of their own."""

    def __init__(self) -> None:
        self._threads: list[tuple[int, threading.Thread]] = []
        self._next_at = 0.0

    def tick(self) -> None:
        """Start what is due and has room. One round of upkeep, with a query every few seconds."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + EVERY
        self.start()

    def start(self) -> None:
        for one in subscription_renewal.due(ROUND_ROWS):
            if self._has_room(one.workspace_id) and (lease := subscription_renewal.take(one)) is not None:
                thread = threading.Thread(target=_work, args=(lease,), name="subscription", daemon=True)
                self._threads.append((one.workspace_id, thread))
                thread.start()

    def _has_room(self, workspace_id: int) -> bool:
        self._threads = [(owner, thread) for owner, thread in self._threads if thread.is_alive()]
        owners = [owner for owner, _ in self._threads]
        return len(owners) < MAX_THREADS and owners.count(workspace_id) < MAX_THREADS_OF_WORKSPACE

    def wait(self, seconds: float) -> None:
        """Wait for what is under way, for up to `seconds` in all, before the process ends."""
        end = time.monotonic() + seconds
        for _, thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))


def _work(lease: SubscriptionLease) -> None:
    try:
        subscription_renewal.work(lease)
    except Exception:
        # It is due again when the lease has ended.
        log.exception("subscription.broke", subscription=lease.subscription_id)
    finally:
        statements.disconnect()


_threads = SubscriptionThreads()
tick = _threads.tick
wait = _threads.wait
