"""Gates: may a run send to its destination now? Asked by every walker of a process, answered without a query."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from relay import backoff

# The breaker: so many sends within so many seconds, and this share of them failed.
WINDOW = 60.0
FEWEST = 10
SHARE = 0.8
MOST_COUNTED = 1_000
# Seconds from which on a send is slow.
SLOW = 0.2
# Runs that find no place free come back about when one may be, between these seconds.
SHORTEST_WAIT = 0.05
LONGEST_WAIT = 5.0
MOST_KNOWN = 10_000


class Place(NamedTuple):
    """Where an action goes: an origin (`https://api.trello.com`) as one connection of one workspace."""

    workspace_id: int
    origin: str
    connection: str


@dataclass(frozen=True, slots=True)
class Shut:
    """A destination that runs are held for, as its row says."""

    id: int
    held_by: str
    reason: str


class Pass(NamedTuple):
    """Leave to send once; `is_slow`: it counts among the slow."""

    place: Place
    flow_id: int
    is_slow: bool

    @property
    def lane(self) -> tuple[Place, int]:
        return self.place, self.flow_id


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: come back after `seconds`."""

    seconds: float


@dataclass(slots=True)
class _Lane:
    """What is under way of one flow to one place. `seconds`: what a send takes lately, None before the first."""

    under_way: int = 0
    seconds: float | None = None
    is_crowded: bool = False
    paced_until: float = 0.0

    @property
    def is_slow(self) -> bool:
        # Unknown counts as slow: many new flows at once must not fill the pool either.
        return self.seconds is None or self.seconds > SLOW


@dataclass(slots=True)
class _Health:
    """How sends to one place ended lately."""

    ended: deque[tuple[float, bool]] = field(default_factory=deque)
    failed: int = 0

    def count(self, now: float, *, failed: bool) -> None:
        self.ended.append((now, failed))
        self.failed += failed
        while self.ended and (self.ended[0][0] < now - WINDOW or len(self.ended) > MOST_COUNTED):
            self.failed -= self.ended.popleft()[1]

    @property
    def is_failing(self) -> bool:
        return len(self.ended) >= FEWEST and self.failed >= SHARE * len(self.ended)


class Gates:
    """Caps what is under way, and watches for places that keep failing.

    `threads`: sends that this process can have under way. One flow takes a quarter of them for one place, slow ones
    together three quarters, so that there is always a thread for what is fast. `admit(key, interval)`: seconds until
    the next send under a key that all workers share, 0 for now. `workers`: how many share a flow's concurrency.
    """

    def __init__(self, threads: int, admit: Callable[[str, float], float] = lambda key, interval: 0.0) -> None:
        self._cap = max(1, threads // 4)
        self._slow_cap = max(1, threads * 3 // 4)
        self._admit = admit
        self.workers = 1
        self._lock = threading.Lock()
        self._lanes: dict[tuple[Place, int], _Lane] = {}
        self._slow = 0
        self._health: dict[Place, _Health] = {}
        self._shut: dict[Place, Shut] = {}
        self._tripped: dict[Place, str] = {}

    def enter(
        self, place: Place, flow_id: int, concurrency: int, *, rate: str = "", probe_of: int | None = None
    ) -> Pass | Wait | Shut:
        """A pass for one send, to be given back by `leave` or `back_out`; or what keeps the run from sending.

        `concurrency`: sends of the flow at once, over all workers. `rate`: the connection's, as 30/m.
        `probe_of`: the shut destination that this run tries.
        """
        with self._lock:
            shut = self._shut_for(place)
            if shut is not None and shut.id != probe_of:
                return shut
            lane = self._lanes.setdefault((place, flow_id), _Lane())
            most = min(self._cap, max(1, concurrency // self.workers))
            if lane.under_way >= most or (lane.is_slow and self._slow >= self._slow_cap):
                lane.is_crowded = True
                return Wait(min(max((lane.seconds or 0.0) / 2, SHORTEST_WAIT), LONGEST_WAIT))
            passed = Pass(place, flow_id, lane.is_slow)
            lane.under_way += 1
            self._slow += passed.is_slow
        return self._pace(passed, rate) if rate else passed

    def _pace(self, passed: Pass, rate: str) -> Pass | Wait:
        """Ask all workers' common clock for the connection's rate; without it nothing is sent."""
        seconds = self._admit(f"{passed.place.workspace_id}:{passed.place.connection}", backoff.interval(rate))
        if seconds <= 0:
            return passed
        self.back_out(passed)
        with self._lock:
            lane = self._lanes[passed.lane]
            lane.is_crowded, lane.paced_until = True, time.monotonic() + seconds
        return Wait(seconds)

    def back_out(self, passed: Pass) -> None:
        """Give a pass back unused."""
        with self._lock:
            self._give_back(passed)

    def leave(self, passed: Pass, *, seconds: float, fault: str = "") -> None:
        """Give a pass back after a send of `seconds`; `fault`: why the destination seems not to be well."""
        with self._lock:
            lane = self._give_back(passed)
            lane.seconds = seconds if lane.seconds is None else lane.seconds + (seconds - lane.seconds) * 0.2
            health = self._health.setdefault(passed.place, _Health())
            health.count(time.monotonic(), failed=bool(fault))
            if fault and health.is_failing:
                self._tripped[passed.place] = fault

    def _give_back(self, passed: Pass) -> _Lane:
        lane = self._lanes[passed.lane]
        lane.under_way -= 1
        self._slow -= passed.is_slow
        return lane

    def crowded_flows(self) -> frozenset[int]:
        """Flows whose runs would only be put back now: claiming them would be work for nothing."""
        now = time.monotonic()
        crowded = set()
        with self._lock:
            for (_, flow_id), lane in self._lanes.items():
                if not lane.is_crowded:
                    continue
                full = lane.under_way >= self._cap or (lane.is_slow and self._slow >= self._slow_cap)
                if full or lane.paced_until > now:
                    crowded.add(flow_id)
                else:
                    lane.is_crowded = False
        return frozenset(crowded)

    def tripped(self) -> dict[Place, str]:
        """Places that have been found failing since the last call, with the last fault; their count begins anew."""
        with self._lock:
            tripped, self._tripped = self._tripped, {}
            for place in tripped:
                del self._health[place]
        return tripped

    def learn(self, shut: dict[Place, Shut]) -> None:
        """Take over which destinations are shut; forget lanes and places that nobody uses when there are too many."""
        with self._lock:
            self._shut = shut
            if len(self._lanes) > MOST_KNOWN:
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.under_way}
            if len(self._health) > MOST_KNOWN:
                self._health.clear()

    def _shut_for(self, place: Place) -> Shut | None:
        if not self._shut:
            return None
        # A refused credential shuts its connection, whatever the origin.
        return self._shut.get(place) or self._shut.get(place._replace(origin=""))
