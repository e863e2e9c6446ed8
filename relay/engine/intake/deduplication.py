"""Recognizes duplicates: an event with a key that its flow has seen within the window is the same event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from relay.engine.database import statements
from relay.engine.intake.arrival_keys import derive
from relay.engine.intake.event_data import EventData
from relay.engine.intake.trigger_rules import TriggerRules, rules
from relay.flows.document import trigger_settings
from relay.flows.verification import with_preset
from relay.models import Run, Seen

ROWS_PER_STATEMENT = 1_000  # databases take some 32,000 parameters


@dataclass(frozen=True, slots=True)
class KeyedArrival:
    """An arrival with a deduplication key. `window` in microseconds."""

    flow_id: int
    digest: str
    event_id: int
    window: int


def first_events(arrivals: Iterable[KeyedArrival], now: int) -> dict[int, int]:
    """Map each event's id to the id of the first event with its key, which is its own if it is the first.

    To be called in the transaction that stores the events. One statement decides: of several processes that store
    the same key at once, one is first, and the others wait for its commit.
    """
    groups: dict[tuple[int, str], list[KeyedArrival]] = {}
    for arrival in arrivals:
        groups.setdefault((arrival.flow_id, arrival.digest), []).append(arrival)
    first: dict[tuple[int, str], int] = {}
    # Sorted, since two transactions that take the same keys in different orders would deadlock.
    order = sorted(groups)
    for start in range(0, len(order), ROWS_PER_STATEMENT):
        rows = [(*key, groups[key][0], len(groups[key]) - 1) for key in order[start : start + ROWS_PER_STATEMENT]]
        first.update(_remember(rows, now))
    return {arrival.event_id: first[key] for key, group in groups.items() for arrival in group}


def _remember(rows: list[tuple[int, str, KeyedArrival, int]], now: int) -> dict[tuple[int, str], int]:
    """Count each key again, or insert it if it is new or its window has ended; returns each key's first event."""
    values: list[Any] = []
    for flow_id, digest, arrival, repeats in rows:
        values += (flow_id, digest, arrival.event_id, now + arrival.window, repeats)
    alive = "CASE WHEN relay_seen.until > %s THEN"
    statement = (
        "INSERT INTO relay_seen (flow_id, digest, event_id, until, count) VALUES "
        + ", ".join([f"({statements.marks(5)})"] * len(rows))
        + " ON CONFLICT (flow_id, digest) DO UPDATE SET"
        f" count = {alive} relay_seen.count + 1 + excluded.count ELSE excluded.count END,"
        f" event_id = {alive} relay_seen.event_id ELSE excluded.event_id END,"
        f" until = {alive} relay_seen.until ELSE excluded.until END"
        " RETURNING flow_id, digest, event_id"
    )
    first = statements.fetch(statement, (*values, now, now, now))
    return {(flow_id, digest): event_id for flow_id, digest, event_id in first}


def duplicate_count(run: Run) -> int:
    """How many duplicates of a run's event were received; 0 if its version has no deduplication key."""
    document = run.version.document
    trigger_rules = rules(document, with_preset(trigger_settings(document)), is_live=True)
    if not trigger_rules.dedupe:
        return 0
    digest = derive(TriggerRules(dedupe=trigger_rules.dedupe), EventData.from_model(run.event)).duplicate
    seen = Seen.objects.filter(flow_id=run.flow_id, digest=digest, event_id=run.event_id)
    return seen.values_list("count", flat=True).first() or 0
