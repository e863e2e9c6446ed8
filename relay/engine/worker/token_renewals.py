"""Renews the access tokens that walks ask for, in threads beside the one that claims and settles."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import structlog
from django.conf import settings

from relay import queues
from relay.engine.database.workspace_threads import WorkspaceThreads
from relay.engine.oauth import renewal
from relay.engine.oauth.renewal import RenewalLease
from relay.engine.walk.work_item import Outcome

log = structlog.get_logger()

# Renewals of one worker at a time, and those of one workspace. More are asked for again, when their runs are claimed
# again.
MAX_THREADS = 8
MAX_THREADS_OF_WORKSPACE = 4

_threads = WorkspaceThreads("token-renewal", limit=MAX_THREADS, workspace_limit=MAX_THREADS_OF_WORKSPACE)


def start(outcomes: Iterable[Outcome]) -> None:
    """Take the leases of the tokens that walks asked for, and renew each token whose lease is free."""
    wanted = {outcome.renewal: outcome.work_item.workspace_id for outcome in outcomes if outcome.renewal is not None}
    for one, workspace_id in wanted.items():
        if _threads.has_room(workspace_id) and (lease := renewal.take(one)) is not None:
            _threads.start(workspace_id, partial(_renew, lease))


def _renew(lease: RenewalLease) -> None:
    try:
        renewal.renew(lease)
        # The runs that waited for it are due.
        queues.wake_worker()
    except Exception:
        # Another process renews it when the lease has ended.
        log.exception("oauth.renewal_failed", connection=lease.connection_id)


def wait() -> None:
    """Wait for the renewals under way, before the process ends: the token that is given may be the only one."""
    _threads.wait(settings.HTTP_TIMEOUT + renewal.STORE_SECONDS)


def are_under_way() -> bool:
    return _threads.is_busy
