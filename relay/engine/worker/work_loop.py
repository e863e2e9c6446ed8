"""Claims, walks and settles runs in a loop until nothing is due or the time slice is over."""

from __future__ import annotations

import functools
import sys
import time

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from relay import queues
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.limiter import Limiter, SharedLimits
from relay.engine.http_client import sender
from relay.engine.settle import connection_use
from relay.engine.settle.settle import settle
from relay.engine.walk import memory_ceiling
from relay.engine.walk.work_item import Outcome
from relay.engine.worker import scheduling, token_renewals
from relay.engine.worker.claim import BATCH, claim
from relay.engine.worker.lease_renewal import LeaseRenewer
from relay.engine.worker.memory_allotment import MemoryAllotment
from relay.engine.worker.thread_pool import STUCK_AFTER, WalkThreads
from relay.models import Workspace

log = structlog.get_logger()

LEARN_SECONDS = 0.5
DATABASE_RETRY_SECONDS = 0.2
# A worker that has claimed at most MANY runs at once for QUIET_SECONDS leaves the work to another worker.
MANY = BATCH // 2
QUIET_SECONDS = 0.25
# For how many seconds a worker waits for runs that it has put back.
SOON_SECONDS = 2.0
SPARE_CHECK_SECONDS = 0.05  # between two checks whether another worker watches
# Seconds after which a computing thread lets another thread run: the one that claims and settles waits for that at each
# of its statements.
SWITCH_SECONDS = 0.001

# Runs that a process holds at most: those that its threads walk, and the next batch.
MAX_IN_HAND = BATCH + settings.WORKER_THREADS


@functools.cache
def _walkers() -> WalkThreads:
    statements.lower_durability()
    sys.setswitchinterval(SWITCH_SECONDS)
    limiter = Limiter(settings.WORKER_THREADS, SharedLimits(queues.throttle, queues.acquire_slot, queues.release_slot))
    return WalkThreads(sender(), settings.WORKER_THREADS, limiter)


def work(*, walkers: WalkThreads | None = None, linger: float | None = None) -> int:
    """Work on due runs until none has been due for `linger` seconds or the time slice is over; the number settled.

    The slice ends only when no run is in hand: while slow destinations keep some runs, the loop claims others. An RQ
    job costs more than a hundred queries, so a job without work keeps watching for a moment before it ends; see
    queues.WorkerHeartbeat for why no work is missed.
    """
    if memory_ceiling.is_near() and not memory_ceiling.recover():
        queues.stopping.set()
    walkers = walkers or _walkers()
    loop = _WorkLoop(walkers, settings.WORKER_LINGER if linger is None else linger)
    with LeaseRenewer(walkers):
        _work(loop)
    if loop.is_over:
        queues.wake_worker()
    return loop.settled


def _work(loop: _WorkLoop) -> None:
    heartbeat = queues.WorkerHeartbeat()
    while loop.continues:
        heartbeat.renew()
        queues.renew_presence()
        if not loop.look():
            if loop.awaits_rate:
                loop.leave_if_spare(heartbeat)
            time.sleep(loop.pause)
        elif loop.has_little_to_do:
            loop.leave_if_spare(heartbeat)
    heartbeat.end()
    while loop.look():
        pass


class _WorkLoop:
    """The loop of one job: claims, walks and settles, and decides when to stop."""

    def __init__(self, walkers: WalkThreads, linger: float) -> None:
        self._walkers = walkers
        self._linger = linger
        self._until = time.monotonic() + settings.WORKER_SLICE
        self._busy_at = time.monotonic()
        self._limiter_at = 0.0
        self._asked_at = 0.0
        self._much_at = time.monotonic()  # when there was last more work than one worker can do
        self._left = False
        self._by_turns = False  # whether the next claim takes runs of all flows in turn
        self._limiter = walkers.limiter
        self._fair = scheduling.FairScheduler()
        self._allotment = MemoryAllotment()
        self._unsettled: list[Outcome] = []
        self._lost_at = 0.0  # when the database was lost, while it is
        self.settled = 0

    @property
    def is_over(self) -> bool:
        """Whether to claim nothing more: the slice has ended with no run in hand, or Relay stops."""
        ends = self._left or time.monotonic() >= self._until
        return queues.stopping.is_set() or (ends and not self._walkers.in_hand)

    @property
    def continues(self) -> bool:
        lingers = time.monotonic() - self._busy_at < self._linger
        has_more = bool(self._walkers.in_hand) or self.awaits_rate or token_renewals.are_under_way()
        return not self.is_over and (lingers or has_more)

    @property
    def awaits_rate(self) -> bool:
        """Whether a rate limit or another worker's send ends soon: upkeep sends wakeups only once a second."""
        return self._limiter.next_capacity_in < SOON_SECONDS

    @property
    def has_little_to_do(self) -> bool:
        """Whether another worker can do the work alone: two workers that share few runs need a commit for each."""
        return time.monotonic() - self._much_at > QUIET_SECONDS and not self._walkers.in_hand

    def leave_if_spare(self, heartbeat: queues.WorkerHeartbeat) -> None:
        """End this job if another worker watches."""
        if time.monotonic() - self._asked_at > SPARE_CHECK_SECONDS:
            self._asked_at = time.monotonic()
            self._left = heartbeat.is_spare()

    @property
    def pause(self) -> float:
        """Seconds until the next look, which grow while there is no work."""
        if not self._walkers.in_hand and 0 < self._limiter.next_capacity_in < SOON_SECONDS:
            return min(0.02, self._limiter.next_capacity_in)
        return min(0.004, 0.0005 + (time.monotonic() - self._busy_at) / 10)

    def look(self) -> bool:
        """Claim due runs and settle walked ones; False if there were none."""
        try:
            return self._look()
        except (OperationalError, InterfaceError) as error:
            self._wait_for_database(error)
            return self._has_more
        except MemoryError:
            # The process settles the runs in hand and claims nothing more.
            memory_ceiling.reached()
            queues.stopping.set()
            return self._has_more

    @property
    def _has_more(self) -> bool:
        return bool(self._walkers.in_hand or self._unsettled)

    def _look(self) -> bool:
        if self._lost_at:
            statements.lower_durability()
            self._lost_at = 0.0
        claimed = not self._unsettled and self._claim()
        if not self._has_more:
            return claimed
        self._walkers.is_settling = False
        self._unsettled += self._walkers.fetch(STUCK_AFTER)
        self._walkers.is_settling = True
        # The lease is taken before the runs are due again.
        token_renewals.start(self._unsettled)
        self.settled += settle(self._unsettled)
        self._unsettled = []
        connection_use.store()
        self._hold_failing()
        self._busy_at = time.monotonic()
        return True

    def _wait_for_database(self, error: Exception) -> None:
        """Wait a moment for a database that is away, locked or full; outcomes are kept until it is back."""
        log.warning("work.database", reason=str(error).strip())
        statements.disconnect()
        self._lost_at = self._lost_at or time.monotonic()
        if queues.stopping.is_set() and time.monotonic() - self._lost_at > settings.LEASE:
            raise error
        time.sleep(DATABASE_RETRY_SECONDS)

    def _claim(self) -> bool:
        in_hand = self._walkers.in_hand
        room = min(BATCH, MAX_IN_HAND - len(in_hand))
        if self.is_over or self._walkers.waiting or room <= 0 or not self._allotment.allows(in_hand):
            return False
        if not self._has_memory(bool(in_hand)):
            return False
        self._learn_open_circuits()
        rooms = self._rooms()
        self._by_turns = self._by_turns or bool(rooms)
        work_items = claim(room, lambda limit: self._choose(limit, rooms), self._allotment)
        # If more is due than one claim takes, every second claim is of all flows: the oldest runs may be of one flow.
        self._by_turns = len(work_items) >= room and not self._by_turns
        if rooms:
            self._limiter.clear_crowded(self._fair.exhausted)
            self._walkers.loads.looked_at(rooms, self._fair.exhausted)
        if len(work_items) == BATCH:
            queues.wake_another_worker()
        if rooms or len(work_items) > MANY:
            self._much_at = time.monotonic()
        if work_items:
            self._walkers.give(work_items)
        return bool(work_items)

    def _rooms(self) -> dict[int, int]:
        """Flow id -> how many of its due runs may be claimed, for crowded and heavy flows."""
        crowded = self._limiter.capacities()
        heavy = self._walkers.loads.rooms(self._walkers.in_hand)
        return {**crowded, **{flow: min(room, crowded.get(flow, room)) for flow, room in heavy.items()}}

    def _choose(self, limit: int, rooms: dict[int, int]) -> list[int]:
        """The runs to claim, without those that our walkers hold although their lease has ended."""
        chosen = self._fair.choose(limit, rooms) if self._by_turns else scheduling.oldest(limit)
        return [run_id for run_id in chosen if not self._walkers.holds(run_id)]

    def _has_memory(self, is_busy: bool) -> bool:
        """Whether there is memory for more runs; if there is none and freeing doesn't help, the process is to end."""
        if not memory_ceiling.is_reached():
            return True
        if not is_busy and not memory_ceiling.recover():
            queues.stopping.set()
        return not memory_ceiling.is_reached() and not queues.stopping.is_set()

    def _learn_open_circuits(self) -> None:
        """Read from time to time which circuits are open, and how many workers share the flows."""
        if time.monotonic() - self._limiter_at > LEARN_SECONDS:
            self._limiter_at = time.monotonic()
            self._limiter.set_open_circuits(circuit_breaker.open_circuits())
            self._limiter.workers = queues.worker_count() or self._limiter.workers
            self._limiter.workspaces = Workspace.objects.count()

    def _hold_failing(self) -> None:
        """Hold the runs of destinations that keep failing."""
        for target, reason in self._limiter.take_failing().items():
            circuit_breaker.hold_failing(target, reason)
            self._limiter_at = 0.0
