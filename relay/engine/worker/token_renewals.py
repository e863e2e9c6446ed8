"""Renews the access tokens that walks ask for, in threads beside the one that claims and settles."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import structlog
from django.conf import settings

from relay import queues
from relay.engine.database import statements
from relay.engine.oauth import renewal
from relay.engine.oauth.renewal import RenewalLease
from relay.engine.walk.work_item import Outcome

log = structlog.get_logger()

# Renewals of one worker at a time, and those of one workspace: a slow service must not delay all others. More are asked
# for again, when their runs are claimed again.
MAX_THREADS = 8
MAX_THREADS_OF_WORKSPACE = 4


class TokenRenewals:
    """The renewals of this process. Its threads have database connections of their own."""

    def __init__(self) -> None:
        self._threads: list[tuple[int, threading.Thread]] = []

    def start(self, outcomes: Iterable[Outcome]) -> None:
        """Take the leases of the tokens that walks asked for, and renew each token whose lease is free."""
        wanted = {
            outcome.renewal: outcome.work_item.workspace_id for outcome in outcomes if outcome.renewal is not None
        }
        for one, workspace_id in wanted.items():
            if self._has_room(workspace_id) and (lease := renewal.take(one)) is not None:
                thread = threading.Thread(target=_renew, args=(lease,), name="token-renewal", daemon=True)
                self._threads.append((workspace_id, thread))
                thread.start()

    @property
    def is_busy(self) -> bool:
        return bool(self._threads) and bool(self._alive())

    def _has_room(self, workspace_id: int) -> bool:
        alive = self._alive()
        return len(alive) < MAX_THREADS and alive.count(workspace_id) < MAX_THREADS_OF_WORKSPACE

    def _alive(self) -> list[int]:
        """The workspaces of the renewals under way."""
        self._threads = [(owner, thread) for owner, thread in self._threads if thread.is_alive()]
        return [owner for owner, _ in self._threads]

    def wait(self) -> None:
        """Wait for the renewals under way, before the process ends: the token that is given may be the only one."""
        for _, thread in self._threads:
            thread.join(settings.HTTP_TIMEOUT + renewal.STORE_SECONDS)


def _renew(lease: RenewalLease) -> None:
    try:
        renewal.renew(lease)
        # The runs that waited for it are due.
        queues.wake_worker()
    except Exception:
        # Another process renews it when the lease has ended.
        log.exception("oauth.renewal_failed", connection=lease.connection_id)
    finally:
        statements.disconnect()


_renewals = TokenRenewals()
start = _renewals.start
wait = _renewals.wait


def are_under_way() -> bool:
    return _renewals.is_busy
