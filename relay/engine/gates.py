"""Gates: may a run send to its destination now? Asked by every walker of a process, answered without a query."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from relay import backoff
from relay.engine.health import Health
from relay.engine.lanes import AHEAD, Lane, Wait

# Who waits for a connection's rate asks again after so many seconds at the latest.
LONGEST_PUT_BACK = 60.0
MOST_KNOWN = 10_000
MOMENT = 0.005  # seconds after which what was put back until then is due
# A flow's concurrency up to which its sends are counted over all workers (more where there are more workers), and the
# seconds for which a worker that was killed counts on, past what a send can take.
COUNTED = 8
MARGIN = 5.0


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
    """Leave to send once; `is_slow`: it counts among the slow. `slot`: the one of its flow's that it holds."""

    place: Place
    flow_id: int
    is_slow: bool
    slot: str = ""

    @property
    def lane(self) -> tuple[Place, int]:
        return self.place, self.flow_id


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers count together, by default nothing.

    `admit(key, interval)`: seconds until the next send under a key, 0 for now. `occupy(key, most, holder, seconds)`:
    whether one of so many slots is the holder's now, None where nobody can say; `vacate(key, holder)`: it's free again.
    """

    admit: Callable[[str, float], float] = lambda key, interval: 0.0
    occupy: Callable[[str, int, str, float], bool | None] = lambda key, most, holder, seconds: None
    vacate: Callable[[str, str], None] = lambda key, holder: None


class Gates:
    """Caps what is under way, and watches for places that keep failing.

    `threads`: sends that this process can have under way. One flow takes a quarter of them for one place, slow ones
    together three quarters, so that there is always a thread for what is fast. `workers`: how many share a flow's
    concurrency; one of up to COUNTED, or of no more than there are workers, is counted over all of them, of a larger
    one each has its share.
    """

    def __init__(self, threads: int, shared: Shared = Shared()) -> None:
        self._cap = max(1, threads // 4)
        self._slow_cap = max(1, threads * 3 // 4)
        self._shared = shared
        self.workers = 1
        self._lock = threading.Lock()
        self._lanes: dict[tuple[Place, int], Lane] = {}
        self._flows: Counter[int] = Counter()  # under way
        self._slow = 0
        self._turn = 0
        self._health: dict[Place, Health] = {}
        self._shut: dict[Place, Shut] = {}
        self._tripped: dict[Place, str] = {}

    def enter(
        self,
        place: Place,
        flow_id: int,
        concurrency: int,
        *,
        lasting: float = 15.0,
        rate: str = "",
        probe_of: int | None = None,
    ) -> Pass | Wait | Shut:
        """A pass for one send, to be given back by `leave` or `back_out`; or what keeps the run from sending.

        `concurrency`: sends of the flow at once, over all workers. `lasting`: seconds that one can take.
        `rate`: the connection's, as 30/m. `probe_of`: the shut destination that this run tries.
        """
        with self._lock:
            shut = self._shut_for(place)
            if shut is not None and shut.id != probe_of:
                return shut
            lane = self._lanes.setdefault((place, flow_id), Lane())
            is_counted = concurrency <= max(COUNTED, self.workers)
            lane.share = concurrency if is_counted else concurrency // self.workers
            if lane.under_way >= self._cap or self._flows[flow_id] >= lane.share or self._too_slow(lane):
                lane.is_crowded = True
                return lane.wait
            passed = Pass(place, flow_id, lane.is_slow)
            lane.under_way += 1
            self._flows[flow_id] += 1
            self._slow += passed.is_slow
        found = self._occupy(passed, concurrency, lasting) if is_counted else passed
        return self._pace(found, rate) if rate and isinstance(found, Pass) else found

    def _too_slow(self, lane: Lane) -> bool:
        return lane.is_slow and self._slow >= self._slow_cap

    def _occupy(self, passed: Pass, concurrency: int, lasting: float) -> Pass | Wait:
        """Take one of the flow's slots among all workers; while nobody counts, each worker keeps to its share."""
        holder = secrets.token_hex(8)
        found = self._shared.occupy(_slots(passed), concurrency, holder, lasting + MARGIN)
        if found is None:
            found = self._flows[passed.flow_id] <= max(1, concurrency // self.workers)
            return passed if found else self._turn_away(passed)
        return passed._replace(slot=holder) if found else self._turn_away(passed)

    def _turn_away(self, passed: Pass, seconds: float | None = None) -> Wait:
        """Give the pass back; its flow is crowded for so many seconds, by default for as long as a send takes."""
        self.back_out(passed)
        with self._lock:
            lane = self._lanes[passed.lane]
            wait = lane.wait if seconds is None else Wait(seconds)
            lane.is_crowded, lane.paced_until = True, time.monotonic() + wait.seconds + MOMENT
        return wait

    def _pace(self, passed: Pass, rate: str) -> Pass | Wait:
        """Ask all workers' common clock for the connection's rate; without it nothing is sent."""
        place = passed.place
        interval = backoff.interval(rate)
        seconds = self._shared.admit(f"{place.workspace_id}:{place.connection}", interval)
        if seconds <= 0:
            return passed
        with self._lock:
            self._lanes[passed.lane].ahead = max(1, int(AHEAD / interval))
        return self._turn_away(passed, min(seconds, LONGEST_PUT_BACK))

    def back_out(self, passed: Pass) -> None:
        """Give a pass back unused."""
        with self._lock:
            self._give_back(passed)
        self._vacate(passed)

    def leave(self, passed: Pass, *, seconds: float, fault: str = "") -> None:
        """Give a pass back after a send of `seconds`; `fault`: why the destination seems not to be well."""
        with self._lock:
            lane = self._give_back(passed)
            lane.seconds = seconds if lane.seconds is None else lane.seconds + (seconds - lane.seconds) * 0.2
            health = self._health.setdefault(passed.place, Health())
            health.count(time.monotonic(), failed=bool(fault))
            if fault and health.is_failing:
                self._tripped[passed.place] = fault
        self._vacate(passed)

    def _vacate(self, passed: Pass) -> None:
        if passed.slot:
            self._shared.vacate(_slots(passed), passed.slot)

    def _give_back(self, passed: Pass) -> Lane:
        lane = self._lanes[passed.lane]
        lane.under_way -= 1
        self._flows[passed.flow_id] -= 1
        self._slow -= passed.is_slow
        return lane

    def rooms(self) -> dict[int, int]:
        """Crowded flows, and how many of their runs can be begun now: to claim more would be work for nothing.

        What is left for slow ones goes to one after the other, beginning with another one each time.
        """
        now = time.monotonic()
        rooms: dict[int, int] = {}
        with self._lock:
            left = max(0, self._slow_cap - self._slow)
            crowded = [(flow_id, lane) for (_, flow_id), lane in self._lanes.items() if lane.is_crowded]
            self._turn += 1
            first = self._turn % max(1, len(crowded))
            for flow_id, lane in crowded[first:] + crowded[:first]:
                room = lane.room(now, self._cap, self._flows[flow_id])
                room = min(room, left if lane.is_slow else room, rooms.get(flow_id, room))
                left -= room if lane.is_slow else 0
                rooms[flow_id] = room
        return rooms

    @property
    def opens_in(self) -> float:
        """Seconds until a run that was put back has a chance again by pace, 0.0 when one has now; inf: none was."""
        now = time.monotonic()
        with self._lock:
            paced = [lane.paced_until for lane in self._lanes.values() if lane.is_crowded and lane.paced_until]
        return max(0.0, min(paced, default=math.inf) - now)

    def relax(self, flows: set[int]) -> None:
        """Take flows for crowded no more: all that was due of them has been claimed."""
        with self._lock:
            for (_, flow_id), lane in self._lanes.items() if flows else ():
                if flow_id in flows:
                    lane.is_crowded = False

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
            if len(self._flows) > MOST_KNOWN:
                self._flows = +self._flows
            if len(self._lanes) > MOST_KNOWN:
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.under_way}
            if len(self._health) > MOST_KNOWN:
                self._health.clear()

    def _shut_for(self, place: Place) -> Shut | None:
        if not self._shut:
            return None
        # A refused credential shuts its connection, whatever the origin.
        return self._shut.get(place) or self._shut.get(place._replace(origin=""))


def _slots(passed: Pass) -> str:
    return f"flow:{passed.flow_id}"


__all__ = ["Gates", "Pass", "Place", "Shared", "Shut", "Wait"]
