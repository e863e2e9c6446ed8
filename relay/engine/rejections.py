"""Rejections: what was turned away is kept for people to see; so little of it that a flood harms nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction

from relay import ids
from relay.buckets import Bucket
from relay.engine import audit, sql
from relay.engine.collisions import with_other_ids
from relay.engine.doors import Door
from relay.models import Flow, Rejection, Unkept, Workspace

KEPT = 100  # the newest of each flow
KEPT_FOR = 3 * 86_400.0  # seconds
BODY_KEPT = 16 * 1024  # bytes of each
QUERY_KEPT = 4 * 1024  # characters
# Of one flow as many are kept at once, and as many again in so many seconds, by each process that takes requests.
AT_ONCE, REFILLED_IN = 20, 10.0
MOST_WAITING = 200  # of all flows, between two transactions
FLOWS_REMEMBERED = 1_000

_COLUMNS = (
    "id",
    "workspace_id",
    "flow_id",
    "why",
    "reason",
    "status",
    "method",
    "query",
    "headers",
    "content_type",
    "body",
    "size",
    "remote",
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One request that was turned away. `headers` is a JSON object as text; `size` in bytes, None where unknown."""

    door: Door
    why: str
    reason: str
    status: int
    method: str
    query: str
    headers: str
    content_type: str
    body: bytes
    size: int | None
    remote: str


@dataclass(slots=True)
class Batch:
    """What is stored together: requests to keep, and how many more of each (workspace, flow) are only counted."""

    kept: list[Rejected] = field(default_factory=list)
    more: Counter[tuple[int, int]] = field(default_factory=Counter)


class Rejections:
    """What a process turned away since it last stored: a few of each flow, and the number of the rest."""

    def __init__(self) -> None:
        self._batch = Batch()
        self._buckets: dict[int, Bucket] = {}

    def add(self, rejected: Rejected) -> None:
        flow_id = rejected.door.flow_id
        if len(self._batch.kept) < MOST_WAITING and not self._bucket(flow_id).take(time.monotonic()):
            self._batch.kept.append(rejected)
        else:
            self._batch.more[rejected.door.workspace_id, flow_id] += 1

    def _bucket(self, flow_id: int) -> Bucket:
        bucket = self._buckets.get(flow_id)
        if bucket is None:
            if len(self._buckets) >= FLOWS_REMEMBERED:
                self._buckets.clear()
            bucket = self._buckets[flow_id] = Bucket(AT_ONCE, REFILLED_IN)
        return bucket

    def take(self) -> Batch:
        """What is to be stored now; from here on it is the caller's."""
        batch, self._batch = self._batch, Batch()
        return batch


def store(batch: Batch) -> None:
    """Keep a batch in one transaction; of each flow only the newest stay."""
    with_other_ids(lambda: _store(batch))


def _store(batch: Batch) -> None:
    now = sql.now()
    with transaction.atomic():
        if batch.kept:
            sql.insert("relay_rejection", _COLUMNS, [_row(rejected) for rejected in batch.kept])
        for flow_id in {rejected.door.flow_id for rejected in batch.kept}:
            _trim(flow_id)
        for (workspace_id, flow_id), count in batch.more.items():
            _count(workspace_id, flow_id, count, now)


def _row(rejected: Rejected) -> tuple[object, ...]:
    door = rejected.door
    return (
        ids.new(),
        door.workspace_id,
        door.flow_id,
        rejected.why,
        rejected.reason,
        rejected.status,
        rejected.method[:20],
        rejected.query[:QUERY_KEPT],
        rejected.headers,
        rejected.content_type,
        rejected.body[:BODY_KEPT] if door.bodies else b"",
        rejected.size,
        rejected.remote,
    )


def _trim(flow_id: int) -> None:
    sql.execute(
        "DELETE FROM relay_rejection WHERE flow_id = %s AND id <="
        f" (SELECT id FROM relay_rejection WHERE flow_id = %s ORDER BY id DESC LIMIT 1 OFFSET {KEPT})",
        (flow_id, flow_id),
    )


def _count(workspace_id: int, flow_id: int, count: int, now: int) -> None:
    sql.execute(
        "INSERT INTO relay_unkept (flow_id, workspace_id, count, last_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (flow_id) DO UPDATE SET count = relay_unkept.count + excluded.count, last_at = excluded.last_at",
        (flow_id, workspace_id, count, now),
    )


def forget_old(now: int, rows: int) -> Iterator[int]:
    """Remove what is past its time, a transaction a step; the rows of each. For upkeep."""
    before = now - int(KEPT_FOR * 1e6)
    yield sql.execute("DELETE FROM relay_unkept WHERE last_at < %s", (before,))
    while removed := sql.execute(
        "DELETE FROM relay_rejection WHERE id IN"
        f" (SELECT id FROM relay_rejection WHERE id < %s ORDER BY id LIMIT {rows})",
        (ids.first_at(before),),
    ):
        yield removed


def discard(workspace: Workspace, *, flow: Flow | None = None) -> int:
    """Forget what was rejected, of one flow or all; how many of them were kept."""
    kept, unkept = Rejection.objects.filter(workspace=workspace), Unkept.objects.filter(workspace=workspace)
    if flow is not None:
        kept, unkept = kept.filter(flow=flow), unkept.filter(flow=flow)
    with transaction.atomic():
        unkept.delete()
        count = int(kept._raw_delete(kept.db))
        if count:
            audit.note(workspace, "rejections.discarded", flow or workspace, change=f"{count} rejected requests")
        return count
