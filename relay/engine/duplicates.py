"""Duplicates: what comes again with the same key within its flow's window is the same event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from relay import backoff
from relay.engine import sql
from relay.engine.arrived import Arrived, event_context
from relay.errors import RelayError
from relay.flows.document import TriggerSettings, trigger_settings
from relay.flows.verification import with_preset
from relay.models import Run, Seen
from relay.templating import Leaf, compile_leaf

ROWS = 1_000  # of one statement: databases take some 32,000 parameters


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The compiled key of a trigger; `window` in microseconds."""

    key: Leaf
    window: int

    def digest(self, event: Arrived) -> str | None:
        """SHA-256 of the event's key; None when it has none: then it is an event of its own, and nothing is lost."""
        try:
            text = _text(self.key.render({"event": event_context(event)}))
        except (RelayError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else None


def _text(value: Any) -> str:
    if value in (None, [], {}):
        return ""
    return value.strip() if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def recogniser(settings: TriggerSettings) -> Recogniser | None:
    """What tells a trigger's events apart; None where it doesn't ask for it, or can't be read (in a draft)."""
    if settings.dedupe is None:
        return None
    try:
        return Recogniser(compile_leaf(settings.dedupe.key), int(backoff.seconds(settings.dedupe.window) * 1e6))
    except (RelayError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Keyed:
    """An arrival with a key. `window` in microseconds."""

    flow_id: int
    digest: str
    event_id: int
    window: int


def first_events(arrivals: Iterable[Keyed], now: int) -> dict[int, int]:
    """For each event's id that of the first event with its key: its own where it is the first.

    Belongs into the transaction that stores the events. One statement decides, so of several processes that
    hold the same key one is first, and the others wait for its commit.
    """
    groups: dict[tuple[int, str], list[Keyed]] = {}
    for one in arrivals:
        groups.setdefault((one.flow_id, one.digest), []).append(one)
    first: dict[tuple[int, str], int] = {}
    # In one order everywhere: two transactions that wait for each other's keys would never end.
    order = sorted(groups)
    for start in range(0, len(order), ROWS):
        rows = [(*key, groups[key][0], len(groups[key]) - 1) for key in order[start : start + ROWS]]
        first.update(_remember(rows, now))
    return {one.event_id: first[key] for key, group in groups.items() for one in group}


def _remember(rows: list[tuple[int, str, Keyed, int]], now: int) -> dict[tuple[int, str], int]:
    """Count each key once more, or keep it as new where it is, or where its window is over."""
    values: list[Any] = []
    for flow_id, digest, one, again in rows:
        values += (flow_id, digest, one.event_id, now + one.window, again)
    alive = "CASE WHEN relay_seen.until > %s THEN"
    statement = (
        "INSERT INTO relay_seen (flow_id, digest, event_id, until, count) VALUES "
        + ", ".join([f"({sql.marks(5)})"] * len(rows))
        + " ON CONFLICT (flow_id, digest) DO UPDATE SET"
        f" count = {alive} relay_seen.count + 1 + excluded.count ELSE excluded.count END,"
        f" event_id = {alive} relay_seen.event_id ELSE excluded.event_id END,"
        f" until = {alive} relay_seen.until ELSE excluded.until END"
        " RETURNING flow_id, digest, event_id"
    )
    found = sql.fetch(statement, (*values, now, now, now))
    return {(flow_id, digest): event_id for flow_id, digest, event_id in found}


def came_again(run: Run) -> int:
    """How often the event of a run came again; 0 where its version doesn't look for that."""
    door = recogniser(with_preset(trigger_settings(run.version.document)))
    if door is None:
        return 0
    event = run.event
    headers = msgspec.json.encode(event.headers).decode()
    body = bytes(event.body)
    arrived = Arrived(event.pk, event.method, event.query, headers, event.content_type, body, 0)
    digest = door.digest(arrived)
    count = Seen.objects.filter(flow_id=run.flow_id, digest=digest, event_id=event.pk).values_list("count", flat=True)
    return count.first() or 0
