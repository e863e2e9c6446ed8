"""Queues prepared requests for the next commit, and limits how many each workspace may have in the queue."""

from __future__ import annotations

import asyncio
from collections import Counter

from relay.engine.intake.event_store import Accepted, Prepared
from relay.ingest.workspace_turns import Overloaded

# Requests and bytes of one workspace, and bytes of all, that may wait before further ones are refused (503).
MAX_WAITING = 20_000
MAX_BYTES = 64 * 1024 * 1024
MAX_BYTES_OF_ALL = 256 * 1024 * 1024
# Bytes of one workspace in one commit: the rest waits for the next commit, so that no commit takes long.
COMMIT_BYTES = 1024 * 1024

Waiting = tuple[Prepared, asyncio.Future[Accepted]]


class Backlog:
    """The queue, in order of arrival. Used from one event loop."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._bytes: Counter[int] = Counter()
        self._counts: Counter[int] = Counter()
        self._total = 0

    def add(self, prepared: Prepared, done: asyncio.Future[Accepted]) -> None:
        """Queue a request. Raises Overloaded if too many of its workspace, or of all workspaces, wait already."""
        workspace_id = prepared.trigger.workspace_id
        if (
            self._counts[workspace_id] >= MAX_WAITING
            or self._bytes[workspace_id] > MAX_BYTES
            or self._total > MAX_BYTES_OF_ALL
        ):
            raise Overloaded
        self._waiting.append((prepared, done))
        self._counts[workspace_id] += 1
        self._bytes[workspace_id] += prepared.weight
        self._total += prepared.weight

    def take(self) -> list[Waiting]:
        """Remove and return the requests of the next commit: all, or each workspace's share of a commit."""
        if self._total <= COMMIT_BYTES:
            taken, self._waiting = self._waiting, []
            self._counts.clear()
            self._bytes.clear()
            self._total = 0
            return taken
        return self._take_shares()

    def _take_shares(self) -> list[Waiting]:
        taken: list[Waiting] = []
        left: list[Waiting] = []
        shares: Counter[int] = Counter()
        for item in self._waiting:
            workspace_id, weight = item[0].trigger.workspace_id, item[0].weight
            # At least one request, however large; requests of one workspace never overtake each other.
            if shares[workspace_id] and shares[workspace_id] + weight > COMMIT_BYTES:
                shares[workspace_id] = COMMIT_BYTES
                left.append(item)
                continue
            shares[workspace_id] += weight
            taken.append(item)
            self._forget(workspace_id, weight)
        self._waiting = left
        return taken

    def _forget(self, workspace_id: int, weight: int) -> None:
        self._counts[workspace_id] -= 1
        self._bytes[workspace_id] -= weight
        self._total -= weight
        if not self._counts[workspace_id]:
            del self._counts[workspace_id], self._bytes[workspace_id]
