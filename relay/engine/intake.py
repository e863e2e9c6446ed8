"""Intake: what arrived becomes an event and its run, many requests in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relay import ids
from relay.engine import splitting, sql
from relay.engine.arrived import Arrived
from relay.engine.collisions import with_other_ids
from relay.engine.doors import Door, Doors
from relay.engine.duplicates import Keyed, first_events
from relay.engine.turns import writing

_EVENT = (
    "id",
    "workspace_id",
    "flow_id",
    "state",
    "received_at",
    "method",
    "query",
    "headers",
    "content_type",
    "body",
    "remote",
)
_RUN = (
    "id",
    "workspace_id",
    "flow_id",
    "version_id",
    "event_id",
    "state",
    "due_at",
    "fence",
    "tries",
    "title",
    "reason",
    "held_by",
    "order_key",
    "part",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request, read whole. `headers` is a JSON object as text, `received_at` in microseconds since 1970."""

    digest: str
    method: str
    query: str
    headers: str
    content_type: str
    body: bytes
    remote: str
    received_at: int
    is_sample: bool = False  # never taken for one that came before, and verified by nobody
    mark: str = ""  # by what it was verified


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an arrival: its event's id, and the door as it was in the transaction; no door, no event.

    `is_duplicate`: it came before; the id is that of the first event then. `is_stale`: not stored, since it was
    verified by what doesn't hold any more.
    """

    event_id: int
    door: Door | None
    is_duplicate: bool = False
    is_stale: bool = False


@dataclass(slots=True)
class _Knock:
    """An arrival on its way in. `key`: the digest of its de-duplication key, rendered for `door`."""

    arrival: Arrival
    event_id: int
    door: Door | None = None
    key: str | None = None
    first: int = 0  # the event's id under which it is known
    parts: int | None = None  # how many runs it becomes, where the door splits it

    def at(self, door: Door | None) -> None:
        if door is not self.door:
            self.door = door
            self.key = _key(self.arrival, self.event_id, door)
            if door is not None and door.split is not None and door.version_id is not None:
                self.parts = splitting.count(door.split, _arrived(self.arrival, self.event_id))

    @property
    def is_stale(self) -> bool:
        door = self.door
        return door is not None and door.mark != self.arrival.mark and not self.arrival.is_sample


def accept(arrivals: list[Arrival], doors: Doors) -> list[Accepted]:
    """Store arrivals and their runs in one durable transaction; when this returns, nothing of them can be lost.

    live: a run that is due now; paused: a run that is held; draft: the event alone, captured. What came before with
    the same key is not stored again.
    """
    return with_other_ids(lambda: _accept(arrivals, doors))


def _accept(arrivals: list[Arrival], doors: Doors) -> list[Accepted]:
    now = sql.now()
    knocks = [_Knock(arrival, ids.new()) for arrival in arrivals]
    # Keys are rendered before the transaction: while that lasts, nobody else can write to SQLite.
    for knock in knocks:
        knock.at(doors.remembered(knock.arrival.digest))
    with writing():
        doors.refresh()
        for knock in knocks:
            knock.at(doors.find(knock.arrival.digest))
        sound = [knock for knock in knocks if not knock.is_stale]
        _recognise(sound, now)
        _store([knock for knock in sound if knock.first == knock.event_id], now)
    return [_accepted(knock) for knock in knocks]


def _accepted(knock: _Knock) -> Accepted:
    if knock.is_stale:
        return Accepted(0, knock.door, is_stale=True)
    return Accepted(knock.first, knock.door, is_duplicate=knock.first != knock.event_id)


def _key(arrival: Arrival, event_id: int, door: Door | None) -> str | None:
    if door is None or door.recogniser is None or arrival.is_sample:
        return None
    return door.recogniser.digest(_arrived(arrival, event_id))


def _arrived(arrival: Arrival, event_id: int) -> Arrived:
    return Arrived(
        event_id,
        arrival.method,
        arrival.query,
        arrival.headers,
        arrival.content_type,
        arrival.body,
        arrival.received_at,
    )


def _recognise(knocks: list[_Knock], now: int) -> None:
    keyed = [
        Keyed(knock.door.flow_id, knock.key, knock.event_id, knock.door.recogniser.window)
        for knock in knocks
        if knock.key is not None and knock.door is not None and knock.door.recogniser is not None
    ]
    first = first_events(keyed, now) if keyed else {}
    for knock in knocks:
        knock.first = first.get(knock.event_id, knock.event_id)


def _store(knocks: list[_Knock], now: int) -> None:
    events = [_event_row(knock.event_id, knock.arrival, knock.door) for knock in knocks if knock.door]
    live = [knock for knock in knocks if knock.door and knock.door.version_id is not None]
    runs = [_run_row(knock, knock.door, now) for knock in live if knock.door and knock.parts is None]
    if len(runs) < len(live):
        split = [(knock, knock.door, knock.parts) for knock in live if knock.door and knock.parts is not None]
        runs += [_run_row(knock, door, now, part) for knock, door, parts in split for part in range(1, parts + 1)]
    if events:
        sql.insert("relay_event", _EVENT, events)
    if runs:
        sql.insert("relay_run", _RUN, runs)


def _event_row(event_id: int, arrival: Arrival, door: Door) -> tuple[Any, ...]:
    return (
        event_id,
        door.workspace_id,
        door.flow_id,
        "captured" if door.version_id is None else "accepted",
        arrival.received_at,
        arrival.method,
        arrival.query,
        arrival.headers,
        arrival.content_type,
        arrival.body,
        arrival.remote,
    )


def _run_row(knock: _Knock, door: Door, now: int, part: int | None = None) -> tuple[Any, ...]:
    held = door.paused
    keeper = door.keeper
    return (
        ids.new(),
        door.workspace_id,
        door.flow_id,
        door.version_id,
        knock.event_id,
        "held" if held else "queued",
        None if held else now,
        0,
        0,
        "",
        "The flow is paused" if held else "",
        "pause" if held else "",
        keeper.digest(_arrived(knock.arrival, knock.event_id)) if keeper else None,
        part,
    )


__all__ = ["Accepted", "Arrival", "Door", "Doors", "accept"]
