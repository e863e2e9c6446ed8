"""Limits the sends in flight: per flow and destination, per flow, and per workspace.

Used by all walks of a process; needs no query.
"""

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
from relay.engine.flow_control.failure_rate import FailureRate
from relay.engine.flow_control.lane import CLAIM_AHEAD_SECONDS, Lane, Wait

# A run that waits for a connection's rate is due again after at most this time.
MAX_PUT_BACK_SECONDS = 60.0
MAX_LANES = 10_000
DUE_MARGIN_SECONDS = 0.005  # after which runs that were put back are certainly due
# Up to this concurrency (or the number of workers, if there are more), a flow's sends are counted over all workers.
MAX_COUNTED_CONCURRENCY = 8
# How much longer than its longest send the slot of a killed worker stays taken.
SLOT_MARGIN_SECONDS = 5.0
# No workspace may use more than this many times the capacity that is left.
MAX_FREE_RATIO = 3


class SendTarget(NamedTuple):
    """A destination: an origin (`https://api.trello.com`), as one connection of one workspace calls it."""

    workspace_id: int
    origin: str
    connection: str


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """A destination for which runs are held. `id`: of its row."""

    id: int
    held_by: str
    reason: str


class SendPermit(NamedTuple):
    """Permission to send once. `is_slow`: whether it counts as slow. `slot`: the slot of the flow that it holds."""

    target: SendTarget
    flow_id: int
    is_slow: bool
    slot: str = ""

    @property
    def lane(self) -> tuple[SendTarget, int]:
        return self.target, self.flow_id


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """The limits that all workers share, by default none.

    `throttle(key, interval)`: seconds until the next send under a key, 0 for now. `acquire_slot(key, limit, holder,
    seconds)`: whether the holder now has one of `limit` slots, None if that is unknown. `release_slot(key, holder)`.
    """

    throttle: Callable[[str, float], float] = lambda key, interval: 0.0
    acquire_slot: Callable[[str, int, str, float], bool | None] = lambda key, limit, holder, seconds: None
    release_slot: Callable[[str, str], None] = lambda key, holder: None


class Limiter:
    """Limits the sends in flight, and detects destinations that keep failing.

    `threads`: how many sends this process can have in flight. One flow uses at most a quarter of them for one
    destination, and all slow sends together three quarters, so that fast sends always find a thread. `workers`: how
    many workers share a flow's concurrency. If that is at most MAX_COUNTED_CONCURRENCY, or at most the number of
    workers, sends are counted over all workers; if it is larger, each worker has a share of it. `workspaces`: how many
    exist. If there are several, none uses more than MAX_FREE_RATIO times the threads, or the threads for slow sends,
    that are left, so that another workspace always finds some.
    """

    def __init__(self, threads: int, shared: SharedLimits = SharedLimits()) -> None:
        self._cap = max(1, threads // 4)
        self._slow_cap = max(1, threads * 3 // 4)
        self._threads = threads
        self._shared = shared
        self.workers = 1
        self.workspaces = 1
        self._lock = threading.Lock()
        self._lanes: dict[tuple[SendTarget, int], Lane] = {}
        self._flows: Counter[int] = Counter()  # in flight
        self._slow = 0
        self._in_flight = 0
        self._by_workspace: Counter[int] = Counter()  # in flight
        self._slow_by_workspace: Counter[int] = Counter()
        self._round = 0
        self._failure_rates: dict[SendTarget, FailureRate] = {}
        self._open_circuits: dict[SendTarget, OpenCircuit] = {}
        self._failing: dict[SendTarget, str] = {}

    def acquire(
        self,
        target: SendTarget,
        flow_id: int,
        concurrency: int,
        *,
        max_seconds: float = 15.0,
        rate: str = "",
        probe_of: int | None = None,
    ) -> SendPermit | Wait | OpenCircuit:
        """A permit for one send, to be returned by `release` or `cancel`; or what keeps the run from sending.

        `concurrency`: how many sends of the flow may be in flight, over all workers. `max_seconds`: the longest time
        that a send takes. `rate`: of the connection, such as 30/m. `probe_of`: the id of the open destination that
        this run probes.
        """
        with self._lock:
            circuit = self._open_circuit(target)
            if circuit is not None and circuit.id != probe_of:
                return circuit
            lane = self._lanes.get((target, flow_id)) or self._lanes.setdefault((target, flow_id), Lane())
            is_counted = concurrency <= max(MAX_COUNTED_CONCURRENCY, self.workers)
            lane.share = concurrency if is_counted else concurrency // self.workers
            if lane.in_flight >= self._cap or self._flows[flow_id] >= lane.share or not self._left(target, lane):
                lane.is_crowded = True
                return lane.wait
            permit = SendPermit(target, flow_id, lane.is_slow)
            lane.in_flight += 1
            self._flows[flow_id] += 1
            self._count(permit, 1)
        result = self._acquire_slot(permit, concurrency, max_seconds) if is_counted else permit
        return self._pace(result, rate) if rate and isinstance(result, SendPermit) else result

    def _left(self, target: SendTarget, lane: Lane) -> int:
        """How many sends of a lane its workspace can start now, apart from the limits of the lane."""
        if self.workspaces < 2:
            left = self._threads - self._in_flight
            return max(0, min(left, self._slow_cap - self._slow) if lane.is_slow else left)
        workspace_id = target.workspace_id
        left = self._fair(self._by_workspace[workspace_id], self._threads - self._in_flight)
        if lane.is_slow:
            left = min(left, self._fair(self._slow_by_workspace[workspace_id], self._slow_cap - self._slow))
        return left

    def _fair(self, used: int, free: int) -> int:
        """How many of the `free` threads a workspace may take that uses `used` threads."""
        free = max(0, free)
        return min(free, max(0, -(-(MAX_FREE_RATIO * free - used) // (MAX_FREE_RATIO + 1))))

    def _count(self, permit: SendPermit, number: int) -> None:
        workspace_id = permit.target.workspace_id
        self._in_flight += number
        self._by_workspace[workspace_id] += number
        if permit.is_slow:
            self._slow += number
            self._slow_by_workspace[workspace_id] += number

    def _acquire_slot(self, permit: SendPermit, concurrency: int, max_seconds: float) -> SendPermit | Wait:
        """Take one of the slots that the flow has over all workers; without Redis, each worker keeps to its share."""
        holder = secrets.token_hex(8)
        has_slot = self._shared.acquire_slot(_slots(permit), concurrency, holder, max_seconds + SLOT_MARGIN_SECONDS)
        if has_slot is None:
            is_in_share = self._flows[permit.flow_id] <= max(1, concurrency // self.workers)
            return permit if is_in_share else self._put_back(permit)
        return permit._replace(slot=holder) if has_slot else self._put_back(permit)

    def _put_back(self, permit: SendPermit, seconds: float | None = None) -> Wait:
        """Return the permit, and take its lane as crowded for `seconds`, by default for half a send's duration."""
        self.cancel(permit)
        with self._lock:
            lane = self._lanes[permit.lane]
            wait = lane.wait if seconds is None else Wait(seconds)
            lane.is_crowded, lane.paced_until = True, time.monotonic() + wait.seconds + DUE_MARGIN_SECONDS
        return wait

    def _pace(self, permit: SendPermit, rate: str) -> SendPermit | Wait:
        """Apply the connection's rate, which all workers share; without Redis nothing is sent."""
        target = permit.target
        interval = backoff.interval(rate)
        seconds = self._shared.throttle(f"{target.workspace_id}:{target.connection}", interval)
        if seconds <= 0:
            return permit
        with self._lock:
            self._lanes[permit.lane].ahead = max(1, int(CLAIM_AHEAD_SECONDS / interval))
        return self._put_back(permit, min(seconds, MAX_PUT_BACK_SECONDS))

    def cancel(self, permit: SendPermit) -> None:
        """Return a permit unused."""
        with self._lock:
            self._return(permit)
        self._release_slot(permit)

    def release(self, permit: SendPermit, *, seconds: float, fault: str = "") -> None:
        """Return a permit after a send of `seconds`. `fault`: why the send counts as a failure of the destination."""
        with self._lock:
            lane = self._return(permit)
            lane.seconds = seconds if lane.seconds is None else lane.seconds + (seconds - lane.seconds) * 0.2
            target = permit.target
            failure_rate = self._failure_rates.get(target) or self._failure_rates.setdefault(target, FailureRate())
            failure_rate.count(time.monotonic(), failed=bool(fault))
            if fault and failure_rate.is_failing:
                self._failing[target] = fault
        self._release_slot(permit)

    def _release_slot(self, permit: SendPermit) -> None:
        if permit.slot:
            self._shared.release_slot(_slots(permit), permit.slot)

    def _return(self, permit: SendPermit) -> Lane:
        lane = self._lanes[permit.lane]
        lane.in_flight -= 1
        self._flows[permit.flow_id] -= 1
        self._count(permit, -1)
        return lane

    def capacities(self) -> dict[int, int]:
        """For each crowded flow, how many of its runs can start now: claiming more would be in vain.

        The capacity for slow sends is given to one lane after the other, starting with a different one each time.
        """
        now = time.monotonic()
        capacities: dict[int, int] = {}
        with self._lock:
            left = max(0, self._slow_cap - self._slow)
            crowded = [(target, flow_id, lane) for (target, flow_id), lane in self._lanes.items() if lane.is_crowded]
            self._round += 1
            first = self._round % max(1, len(crowded))
            for target, flow_id, lane in crowded[first:] + crowded[:first]:
                capacity = min(lane.capacity(now, self._cap, self._flows[flow_id]), self._left(target, lane))
                capacity = min(capacity, left if lane.is_slow else capacity, capacities.get(flow_id, capacity))
                left -= capacity if lane.is_slow else 0
                capacities[flow_id] = capacity
        return capacities

    @property
    def next_capacity_in(self) -> float:
        """Seconds until a run that was put back for pace can start, 0.0 if one can now; inf if none was put back."""
        now = time.monotonic()
        with self._lock:
            paced = [lane.paced_until for lane in self._lanes.values() if lane.is_crowded and lane.paced_until]
        return max(0.0, min(paced, default=math.inf) - now)

    def clear_crowded(self, flows: set[int]) -> None:
        """Mark flows as no longer crowded, because all their due runs have been claimed."""
        with self._lock:
            for (_, flow_id), lane in self._lanes.items() if flows else ():
                if flow_id in flows:
                    lane.is_crowded = False

    def take_failing(self) -> dict[SendTarget, str]:
        """Destinations found failing since the last call, with the last fault; their failure rates are reset."""
        with self._lock:
            failing, self._failing = self._failing, {}
            for target in failing:
                del self._failure_rates[target]
        return failing

    def set_open_circuits(self, circuits: dict[SendTarget, OpenCircuit]) -> None:
        """Replace the open circuits; forget unused lanes and failure rates if there are too many."""
        with self._lock:
            self._open_circuits = circuits
            if len(self._flows) > MAX_LANES:
                self._flows = +self._flows
            self._by_workspace = +self._by_workspace
            self._slow_by_workspace = +self._slow_by_workspace
            if len(self._lanes) > MAX_LANES:
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.in_flight}
            if len(self._failure_rates) > MAX_LANES:
                self._failure_rates.clear()

    def _open_circuit(self, target: SendTarget) -> OpenCircuit | None:
        if not self._open_circuits:
            return None
        # A refused credential holds all runs of its connection, whatever their origin.
        return self._open_circuits.get(target) or self._open_circuits.get(target._replace(origin=""))


def _slots(permit: SendPermit) -> str:
    return f"flow:{permit.flow_id}"


__all__ = ["Limiter", "OpenCircuit", "SendPermit", "SendTarget", "SharedLimits", "Wait"]
