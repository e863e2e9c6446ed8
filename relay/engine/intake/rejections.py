"""Stores a few rejected requests for people to see, few enough that a flood does no harm, and counts the rest."""

from __future__ import annotations

import operator
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from msgspec.structs import astuple

from relay import ids
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.database.id_conflicts import retry_with_new_ids
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.trigger_cache import CachedTrigger
from relay.models import Flow, Rejection, Unkept, Workspace
from relay.token_bucket import TokenBucket

MAX_KEPT = 100  # the newest of each flow
KEPT_SECONDS = 3 * 86_400.0
MAX_BODY_BYTES = 16 * 1024
MAX_METHOD_CHARACTERS = 20
MAX_QUERY_CHARACTERS = 4 * 1024
# Of one flow, each process that takes requests keeps BURST at once, and BURST more in every REFILL_SECONDS.
BURST, REFILL_SECONDS = 20, 10.0
MAX_PENDING = 200  # of all flows, between two transactions
MAX_BUCKETS = 1_000


class Rejected(StoredRequest, frozen=True, kw_only=True):
    """A row of relay_rejection but its id; the fields are named as its columns are.

    `size`: of the whole body in bytes, None where unknown.
    """

    workspace_id: int
    flow_id: int
    why: str
    reason: str
    status: int
    size: int | None

    @classmethod
    def of(
        cls, trigger: CachedTrigger, request: StoredRequest, *, why: str, reason: str, status: int, size: int | None
    ) -> Rejected:
        """The row of a request that `trigger` rejected, cut to what is kept of it."""
        return cls(
            method=request.method[:MAX_METHOD_CHARACTERS],
            query=request.query[:MAX_QUERY_CHARACTERS],
            headers=request.headers,
            content_type=request.content_type,
            body=request.body[:MAX_BODY_BYTES] if trigger.keeps_bodies else b"",
            remote=request.remote,
            workspace_id=trigger.workspace_id,
            flow_id=trigger.flow_id,
            why=why,
            reason=reason,
            status=status,
            size=size,
        )


@dataclass(slots=True)
class RejectionBatch:
    """Rejections to store together: requests to keep, and for each (workspace, flow) how many more to count."""

    kept: list[Rejected] = field(default_factory=list)
    more: Counter[tuple[int, int]] = field(default_factory=Counter)


class Rejections:
    """Collects the requests that this process rejected since it last stored them."""

    def __init__(self) -> None:
        self._batch = RejectionBatch()
        self._buckets: dict[int, TokenBucket] = {}

    def add(self, rejected: Rejected) -> None:
        flow_id = rejected.flow_id
        if len(self._batch.kept) < MAX_PENDING and not self._bucket(flow_id).take(time.monotonic()):
            self._batch.kept.append(rejected)
        else:
            self._batch.more[rejected.workspace_id, flow_id] += 1

    def _bucket(self, flow_id: int) -> TokenBucket:
        bucket = self._buckets.get(flow_id)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[flow_id] = TokenBucket(BURST, REFILL_SECONDS)
        return bucket

    def take(self) -> RejectionBatch:
        """Remove and return the batch to store now."""
        batch, self._batch = self._batch, RejectionBatch()
        return batch


def store(batch: RejectionBatch) -> None:
    """Store a batch in one transaction, and delete all but the newest rejections of each flow."""
    retry_with_new_ids(lambda: _store(batch))


def _store(batch: RejectionBatch) -> None:
    now = statements.now()
    with transaction.atomic():
        if batch.kept:
            new_ids = [(ids.new(),) for _ in batch.kept]
            rows = map(operator.add, new_ids, map(astuple, batch.kept))
            statements.insert("relay_rejection", ("id", *Rejected.__struct_fields__), rows)
        for flow_id in {rejected.flow_id for rejected in batch.kept}:
            _trim(flow_id)
        for (workspace_id, flow_id), count in batch.more.items():
            _count(workspace_id, flow_id, count, now)


def _trim(flow_id: int) -> None:
    statements.execute(
        "DELETE FROM relay_rejection WHERE flow_id = %s AND id <="
        f" (SELECT id FROM relay_rejection WHERE flow_id = %s ORDER BY id DESC LIMIT 1 OFFSET {MAX_KEPT})",
        (flow_id, flow_id),
    )


def _count(workspace_id: int, flow_id: int, count: int, now: int) -> None:
    statements.execute(
        "INSERT INTO relay_unkept (flow_id, workspace_id, count, last_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (flow_id) DO UPDATE SET count = relay_unkept.count + excluded.count, last_at = excluded.last_at",
        (flow_id, workspace_id, count, now),
    )


def prune(now: int, rows: int) -> Iterator[int]:
    """Delete what is older than KEPT_SECONDS, one transaction per step, and yield the number of rows. For upkeep."""
    before = now - int(KEPT_SECONDS * 1e6)
    yield statements.execute("DELETE FROM relay_unkept WHERE last_at < %s", (before,))
    while removed := statements.execute(
        "DELETE FROM relay_rejection WHERE id IN"
        f" (SELECT id FROM relay_rejection WHERE id < %s ORDER BY id LIMIT {rows})",
        (ids.first_at(before),),
    ):
        yield removed


def discard(workspace: Workspace, *, flow: Flow | None = None) -> int:
    """Delete the rejections of one flow or of all; returns how many requests were kept."""
    kept, unkept = Rejection.objects.filter(workspace=workspace), Unkept.objects.filter(workspace=workspace)
    if flow is not None:
        kept, unkept = kept.filter(flow=flow), unkept.filter(flow=flow)
    with transaction.atomic():
        unkept.delete()
        count = int(kept._raw_delete(kept.db))
        if count:
            audit.note(workspace, "rejections.discarded", flow or workspace, change=f"{count} rejected requests")
        return count
