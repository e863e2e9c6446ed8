"""Walks claimed runs in threads: one while destinations answer quickly, more when they don't."""

from __future__ import annotations

import threading
import time
from collections import deque

import structlog

from relay.bodies import parse_cost
from relay.engine.flow_control.limiter import Limiter
from relay.engine.walk.cpu_clock import CpuAllowance
from relay.engine.walk.runner import walk
from relay.engine.walk.work_item import Outcome, Sends, WorkItem, failed_outcome
from relay.engine.worker.cpu_shares import CpuShares
from relay.engine.worker.heavy_lane import HeavyLane
from relay.templating import yield_by

log = structlog.get_logger()

# Seconds after which another thread takes over the runs that wait for a walker.
STUCK_AFTER = 0.01
# Seconds for which outcomes are collected for one commit while more work items wait.
COLLECT_SECONDS = 0.03
# Walkers that compute at once, besides the one with the CPU slot: more would only compete for the interpreter.
MAX_COMPUTING = 2
# While other threads have work, the walker with the slot sleeps for up to YIELD_SECONDS before it computes for another
# few milliseconds, and checks every LOOK_SECONDS whether they are done: they would wait for it at every statement.
YIELD_SECONDS = 0.02
LOOK_SECONDS = 0.002


class WalkThreads:
    """Walks work items in threads that never use the database; the thread that does fetches their outcomes.

    One thread walks all runs while it makes progress: a thread for each run would cost more than the answer of a fast
    destination. When a walk takes longer than STUCK_AFTER, the next thread, up to `most`, continues with the rest,
    unless several threads compute already. Runs of heavy flows, and runs whose bodies take long to parse, are walked
    one at a time.
    """

    def __init__(self, sender: Sends, most: int, limiter: Limiter) -> None:
        self.limiter = limiter
        self.loads = CpuShares()
        self._sender = sender
        self._most = most
        self._work_items: deque[WorkItem] = deque()
        self._heavy = HeavyLane(self.loads)
        self._outcomes: deque[Outcome] = deque()
        self._in_hand: dict[int, WorkItem] = {}
        self._lock = threading.Lock()
        self._wanted = threading.Semaphore(0)
        self._settled = threading.Event()
        self._threads = 0
        self._idle = 0
        self._since: dict[int, float] = {}  # when each walker without the slot started its walk
        self._sending: set[int] = set()
        self._long: set[int] = set()  # flows with a walk that needed the slot
        self._is_awaited = False  # whether a caller waits for one of the outcomes
        self._slot_of = 0  # the walker that has the slot for computing
        self.is_settling = False  # whether the other thread is claiming or settling

    @property
    def in_hand(self) -> list[WorkItem]:
        """The work items that were given and whose outcomes were not fetched yet."""
        with self._lock:
            return list(self._in_hand.values())

    def holds(self, run_id: int) -> bool:
        """Whether a walker has the run, or the run waits for one."""
        return run_id in self._in_hand

    @property
    def waiting(self) -> int:
        """The number of work items that wait for a thread, without those of heavy flows."""
        return len(self._work_items)

    def give(self, work_items: list[WorkItem]) -> None:
        with self._lock:
            self._in_hand.update((work_item.run_id, work_item) for work_item in work_items)
            self._work_items.extend(work_items)
        self._ensure_progress()

    def fetch(self, wait: float) -> list[Outcome]:
        """The outcomes so far; waits `wait` seconds for the last walk, or COLLECT_SECONDS while work items wait."""
        end = time.monotonic() + COLLECT_SECONDS
        while not self._settled.wait(wait) and self._work_items and not self._is_awaited and time.monotonic() < end:
            self._ensure_progress()
        self._settled.clear()
        self._is_awaited = False
        self._ensure_progress()
        outcomes = []
        while self._outcomes:
            outcomes.append(self._outcomes.popleft())
        self.loads.count(*outcomes)
        with self._lock:
            outcomes += self._heavy.surplus()
            for outcome in outcomes:
                self._in_hand.pop(outcome.work_item.run_id, None)
            if not self._in_hand:
                self._long.clear()
        return outcomes

    def _ensure_progress(self) -> None:
        """Wake or start another walker if work items wait that no walker takes soon."""
        with self._lock:
            if self._work_items and self._is_stuck():
                self._wake()
            if self._heavy and not self._slot_of:
                self._wake()

    def _is_stuck(self) -> bool:
        limit = time.monotonic() - STUCK_AFTER
        if any(since > limit for since in self._since.values()):
            return False
        return len(self._since.keys() - self._sending) < MAX_COMPUTING

    def _wake(self) -> None:
        if self._idle:
            self._idle -= 1
            self._wanted.release()
        elif self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._run, name=f"walker-{self._threads}", daemon=True).start()

    def _run(self) -> None:
        me = threading.get_ident()
        slot = _Slot(self, me)
        yield_by(slot.yield_cpu)
        while True:
            self._walk_all(me, slot)
            with self._lock:
                self._since.pop(me, None)
                self._idle += 1
            self._wanted.acquire()

    def _walk_all(self, me: int, slot: _Slot) -> None:
        while work_item := self._next(me):
            self._outcomes.append(self._walk(work_item, slot))
            self._is_awaited = self._is_awaited or work_item.plan.waits
            if not self._work_items:
                self._settled.set()

    def _next(self, me: int) -> WorkItem | None:
        """The next work item for a walker; for one of a heavy flow, the walker has the slot."""
        with self._lock:
            if self._slot_of == me:
                self._slot_of = 0
            self._since[me] = time.monotonic()
            if self._heavy and not self._slot_of:
                return self._next_heavy(me)
            while self._work_items:
                work_item = self._work_items.popleft()
                if not self._computes_long(work_item):
                    return work_item
                self._heavy.add(work_item)
            return self._next_heavy(me) if self._heavy and not self._slot_of else None

    def _computes_long(self, work_item: WorkItem) -> bool:
        """Whether a walk needs the slot from its start, because it can't give way while it parses the body."""
        event = work_item.event
        return (
            work_item.flow_id in self._long
            or self.loads.is_heavy(work_item)
            or parse_cost.takes_long(event.body, event.content_type)
        )

    def _next_heavy(self, me: int) -> WorkItem:
        self._slot_of = me
        self._since.pop(me, None)
        if self._work_items and self._is_stuck():
            self._wake()
        return self._heavy.take()

    def _walk(self, work_item: WorkItem, slot: _Slot) -> Outcome:
        slot.flow_id, began = work_item.flow_id, slot.clock
        outcome = self._walked(work_item, CpuAllowance(slot, began))
        slot.clock = time.thread_time()
        outcome.cpu = slot.clock - began
        return outcome

    def _walked(self, work_item: WorkItem, allowance: CpuAllowance) -> Outcome:
        try:
            return walk(work_item, self._sender, self.limiter, allowance)
        except Exception:
            # A bug in Relay must not lose a run or end the thread.
            log.exception("walk.crashed", run=work_item.run_id)
            reason = "Relay itself failed in this run; the log says more. Replay it after an update."
            return failed_outcome(work_item, reason)

    # The slot

    def take_slot(self, me: int, flow_id: int) -> bool:
        with self._lock:
            self._long.add(flow_id)
            if not self._slot_of:
                self._slot_of = me
                self._since.pop(me, None)
            return self._slot_of == me

    def yield_cpu(self, me: int) -> None:
        """Make the walker with the slot sleep while others work, for YIELD_SECONDS at most."""
        if self._slot_of != me:
            return
        end = time.monotonic() + YIELD_SECONDS
        while (self.is_settling or len(self._since) > len(self._sending)) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)

    def pause(self, me: int) -> None:
        """Release the slot while a walker waits for an answer."""
        if self._slot_of == me:
            with self._lock:
                self._slot_of = 0
                self._since[me] = time.monotonic()
        self._sending.add(me)

    def resume(self, me: int) -> None:
        self._sending.discard(me)


class _Slot:
    """The CPU slot as one walker uses it; created in the walker's own thread."""

    __slots__ = ("_me", "_walkers", "clock", "flow_id")

    def __init__(self, walkers: WalkThreads, me: int) -> None:
        self._walkers, self._me = walkers, me
        self.flow_id = 0  # of the run that is walked
        self.clock = time.thread_time()  # at the end of the last walk; between walks, the thread does almost nothing

    def take(self) -> bool:
        return self._walkers.take_slot(self._me, self.flow_id)

    def yield_cpu(self) -> None:
        self._walkers.yield_cpu(self._me)

    def pause(self) -> None:
        self._walkers.pause(self._me)

    def resume(self) -> None:
        self._walkers.resume(self._me)
