"""Names the columns that a claim reads of its runs and of their events."""

from __future__ import annotations

import msgspec

LARGE_BYTES = 64 * 1024


class ClaimedRun(msgspec.Struct, frozen=True):
    """A row of `relay_run` that a claim has just taken, with its fence increased."""

    id: int
    fence: int
    tries: int
    trail: str | None  # JSON; None where it is larger than LARGE_BYTES
    flow_id: int
    version_id: int
    event_id: int
    workspace_id: int
    destination_id: int | None  # of which the run is the probe
    marked_step: str
    marked_fence: int | None
    order_key: str | None
    part: int | None
    suspicion: int
    trail_size: int | None  # characters


class ClaimedEvent(msgspec.Struct, frozen=True):
    """A row of `relay_event`, loaded for the runs of a claim."""

    id: int
    method: str
    query: str
    headers: str
    content_type: str
    body: bytes | memoryview | None  # None where it is larger than LARGE_BYTES
    received_at: int
    files: str | None
    body_size: int


def _unless_large(column: str) -> str:
    """SQL: the column, or NULL where it is large."""
    return f"CASE WHEN length({column}) <= {LARGE_BYTES} THEN {column} END"


_EXPRESSIONS = {
    "trail": _unless_large("trail"),
    "suspicion": "COALESCE(suspicion, 0)",
    "trail_size": "length(trail)",
    "body": _unless_large("body"),
    "body_size": "length(body)",
}

RUN_COLUMNS = ", ".join(_EXPRESSIONS.get(name, name) for name in ClaimedRun.__struct_fields__)
EVENT_COLUMNS = ", ".join(_EXPRESSIONS.get(name, name) for name in ClaimedEvent.__struct_fields__)
