"""Stores inbound requests as events with their runs, many requests in one transaction.

Work whose size a tenant or a sender chooses happens before the transaction: parsing, rendering, loading a trigger.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from relay import ids
from relay.engine.database import statements
from relay.engine.database.id_conflicts import retry_with_new_ids
from relay.engine.database.write_lock import write_transaction
from relay.engine.files.event_files import Beside
from relay.engine.intake.arrival_keys import ArrivalKeys, derive, keys_without_rendering
from relay.engine.intake.deduplication import KeyedArrival, first_events
from relay.engine.intake.event_data import EventData
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.trigger_cache import CachedTrigger, TriggerCache, revisions
from relay.engine.intake.trigger_rules import TriggerRules
from relay.errors import RelayError
from relay.models import sealing

# How often arrivals are prepared because their triggers have changed in the meantime.
MAX_PREPARATIONS = 10
# Approximate bytes of a row, without its body.
ROW_BYTES = 1_000


class _EventRow(StoredRequest, frozen=True, kw_only=True):
    """A row of relay_event: the columns of the request, and these."""

    id: int
    workspace_id: int
    flow_id: int
    state: str
    received_at: int
    files: str | None


class _RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of relay_run; the fields are named as its columns are."""

    id: int
    workspace_id: int
    flow_id: int
    version_id: int
    event_id: int
    state: str
    due_at: int | None
    fence: int
    tries: int
    title: str
    reason: str
    held_by: str
    order_key: str | None
    part: int | None


class Arrival(msgspec.Struct, frozen=True):
    """A request that was read completely, for the trigger whose token has `digest`.

    `received_at`: microseconds since 1970.
    `files`: those that are stored already, and become the event's.
    """

    digest: str
    request: StoredRequest
    received_at: int
    is_sample: bool = False  # never a duplicate
    files: Beside | None = None

    def as_event(self, event_id: int) -> EventData:
        """The event that it becomes, as templates read it."""
        files = None if self.files is None else self.files.column
        return EventData.from_request(self.request, event_id, self.received_at, files)

    def rules(self, trigger: CachedTrigger) -> TriggerRules:
        """The templates to render for it."""
        return trigger.rules.of_sample() if self.is_sample else trigger.rules


class Prepared(msgspec.Struct, frozen=True):
    """An arrival with everything that storing it needs: nothing more is parsed or rendered for it."""

    arrival: Arrival
    trigger: CachedTrigger
    keys: ArrivalKeys

    @property
    def weight(self) -> int:
        """Approximate bytes that storing it writes."""
        return len(self.arrival.request.body) + ROW_BYTES * (1 + (self.keys.parts or 0))

    def for_trigger(self, trigger: CachedTrigger, arrival: Arrival) -> Prepared | None:
        """This with the current state of its trigger; None if the trigger's rules or what it stores have changed.

        `arrival`: the request as it would be read now.
        """
        is_same = replace(arrival, received_at=self.arrival.received_at) == self.arrival
        if is_same and arrival.rules(trigger) == arrival.rules(self.trigger):
            return replace(self, trigger=trigger)
        return None


class Accepted(msgspec.Struct, frozen=True):
    """The result of storing an arrival: its event's id, and the trigger it was prepared for (None: no event).

    `is_duplicate`: an earlier event has the same key, and the id is that event's. `is_stale`: not stored, because its
    trigger changed after it was prepared.
    """

    event_id: int
    trigger: CachedTrigger | None
    is_duplicate: bool = False
    is_stale: bool = False


def accept(arrivals: list[Arrival], cache: TriggerCache) -> list[Accepted]:
    """Prepare arrivals in this thread and store them; when this returns, they are durable.

    RelayError if their triggers change faster than arrivals can be prepared.
    """
    for _ in range(MAX_PREPARATIONS):
        prepared = [prepare(arrival, cache.find(arrival.digest)) for arrival in arrivals]
        stored = iter(store([item for item in prepared if item is not None]))
        accepted = [next(stored) if item is not None else Accepted(0, None) for item in prepared]
        stale = {arrival.digest for arrival, result in zip(arrivals, accepted, strict=True) if result.is_stale}
        if not stale:
            return accepted
        for digest in stale:
            cache.refresh(digest)
    raise RelayError("Triggers are changed again and again just now: try again in a moment")


def prepare(arrival: Arrival, trigger: CachedTrigger | None) -> Prepared | None:
    """Render an arrival's keys, outside of any transaction; None if there is no trigger."""
    if trigger is None:
        return None
    rules = arrival.rules(trigger)
    keys = derive(rules, arrival.as_event(ids.new())) if rules.sources else keys_without_rendering(rules)
    return Prepared(arrival, trigger, keys)


def store(prepared: list[Prepared]) -> list[Accepted]:
    """Store arrivals and their runs in one durable transaction that contains only SQL.

    A live flow gets a run that is due now, a paused flow a held run, and a draft only the event, captured. Duplicates
    are not stored, nor are arrivals whose trigger has changed since they were prepared.
    """
    return retry_with_new_ids(lambda: _store_all(prepared)) if prepared else []


def _store_all(prepared: list[Prepared]) -> list[Accepted]:
    now, key_ring = statements.now(), sealing.stamp()
    intakes = [_Intake(item, ids.new()) for item in prepared]
    with write_transaction():
        numbers = revisions(intake.trigger.flow_id for intake in intakes)
        current = [
            intake for intake in intakes if intake.trigger.revision == (numbers.get(intake.trigger.flow_id), key_ring)
        ]
        _deduplicate(current, now)
        _insert([intake for intake in current if intake.first_id == intake.event_id], now)
    return [_accepted(intake) for intake in intakes]


class _Intake:
    """A prepared arrival while it is stored. `first_id`: the id of the first event with its key, 0 if not stored."""

    __slots__ = ("arrival", "event_id", "first_id", "keys", "trigger")

    def __init__(self, prepared: Prepared, event_id: int) -> None:
        self.arrival, self.trigger, self.keys = prepared.arrival, prepared.trigger, prepared.keys
        self.event_id = event_id
        self.first_id = 0


def _accepted(intake: _Intake) -> Accepted:
    is_duplicate = intake.first_id not in (0, intake.event_id)
    return Accepted(intake.first_id, intake.trigger, is_duplicate, is_stale=not intake.first_id)


def _deduplicate(intakes: list[_Intake], now: int) -> None:
    keyed = [
        KeyedArrival(intake.trigger.flow_id, intake.keys.duplicate, intake.event_id, intake.trigger.rules.window)
        for intake in intakes
        if intake.keys.duplicate is not None
    ]
    first = first_events(keyed, now) if keyed else {}
    for intake in intakes:
        intake.first_id = first.get(intake.event_id, intake.event_id)


def _insert(intakes: list[_Intake], now: int) -> None:
    runs = [
        _run_row(intake, version_id, now, part)
        for intake in intakes
        if (version_id := intake.trigger.version_id) is not None
        for part in _parts(intake)
    ]
    statements.insert_rows("relay_event", [_event_row(intake) for intake in intakes])
    for intake in intakes:
        if intake.arrival.files is not None:
            _give_files(intake.event_id, intake.arrival.files.ids)
    statements.insert_rows("relay_run", runs)


def _give_files(event_id: int, file_ids: tuple[int, ...]) -> None:
    """Give the files of an arrival, at most MAX_PARTS, to its event; their bytes are stored already."""
    marks = statements.marks(len(file_ids))
    statements.execute(f"UPDATE relay_storedfile SET event_id = %s WHERE id IN ({marks})", (event_id, *file_ids))


def _parts(intake: _Intake) -> Iterable[int | None]:
    return (None,) if intake.keys.parts is None else range(1, intake.keys.parts + 1)


def _event_row(intake: _Intake) -> _EventRow:
    trigger, request = intake.trigger, intake.arrival.request
    return _EventRow(
        id=intake.event_id,
        workspace_id=trigger.workspace_id,
        flow_id=trigger.flow_id,
        state="captured" if trigger.version_id is None else "accepted",
        received_at=intake.arrival.received_at,
        method=request.method,
        query=request.query,
        headers=request.headers,
        content_type=request.content_type,
        body=request.body,
        remote=request.remote,
        files=None if intake.arrival.files is None else intake.arrival.files.column,
    )


def _run_row(intake: _Intake, version_id: int, now: int, part: int | None) -> _RunRow:
    trigger = intake.trigger
    is_held = trigger.paused
    return _RunRow(
        id=ids.new(),
        workspace_id=trigger.workspace_id,
        flow_id=trigger.flow_id,
        version_id=version_id,
        event_id=intake.event_id,
        state="held" if is_held else "queued",
        due_at=None if is_held else now,
        fence=0,
        tries=0,
        title="",
        reason="The flow is paused" if is_held else "",
        held_by="pause" if is_held else "",
        order_key=intake.keys.order,
        part=part,
    )


__all__ = ["Accepted", "Arrival", "CachedTrigger", "Prepared", "TriggerCache", "accept", "prepare", "store"]
