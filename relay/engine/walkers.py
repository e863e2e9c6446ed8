"""Walkers: threads that walk claimed runs, one while destinations answer at once, more where they don't."""

from __future__ import annotations

import threading
import time
from collections import deque

import structlog

from relay.engine.errand import Errand, Outcome, Sends
from relay.engine.gates import Gates
from relay.engine.walk import walk

log = structlog.get_logger()

# A walker that has been in one run for longer than this leaves the rest to another thread.
STUCK_AFTER = 0.01


class Walkers:
    """Walks errands in threads that never touch the database; outcomes are fetched by the thread that does.

    One thread walks alone as long as it gets on: handing each run to a thread of its own would cost more than
    a fast destination's answer takes. When a walk takes longer than STUCK_AFTER, the next thread goes on with
    the rest, up to `most`.
    """

    def __init__(self, sender: Sends, most: int, gates: Gates) -> None:
        self.gates = gates
        self._sender = sender
        self._most = most
        self._errands: deque[Errand] = deque()
        self._outcomes: deque[Outcome] = deque()
        self._in_hand: dict[int, Errand] = {}
        self._lock = threading.Lock()
        self._wanted = threading.Semaphore(0)
        self._settled = threading.Event()
        self._threads = 0
        self._idle = 0
        self._since: dict[int, float] = {}

    @property
    def in_hand(self) -> list[Errand]:
        """Errands given and not yet fetched back as outcomes."""
        with self._lock:
            return list(self._in_hand.values())

    @property
    def waiting(self) -> int:
        """Errands that no thread walks yet."""
        return len(self._errands)

    def give(self, errands: list[Errand]) -> None:
        with self._lock:
            self._in_hand.update((errand.run_id, errand) for errand in errands)
            self._errands.extend(errands)
        self._ensure_progress()

    def fetch(self, wait: float) -> list[Outcome]:
        """The outcomes so far; waits up to `wait` seconds for the last walk or for STUCK_AFTER to pass."""
        self._settled.wait(wait)
        self._settled.clear()
        self._ensure_progress()
        outcomes = []
        while self._outcomes:
            outcomes.append(self._outcomes.popleft())
        with self._lock:
            for outcome in outcomes:
                self._in_hand.pop(outcome.errand.run_id, None)
        return outcomes

    def _ensure_progress(self) -> None:
        """Wake or start another walker when errands wait and all that walk are stuck."""
        with self._lock:
            if not self._errands:
                return
            limit = time.monotonic() - STUCK_AFTER
            if any(since > limit for since in self._since.values()):
                return
            if self._idle:
                self._idle -= 1
                self._wanted.release()
            elif self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._run, name=f"walker-{self._threads}", daemon=True).start()

    def _run(self) -> None:
        me = threading.get_ident()
        while True:
            self._walk_all(me)
            with self._lock:
                self._since.pop(me, None)
                self._idle += 1
            self._wanted.acquire()

    def _walk_all(self, me: int) -> None:
        while True:
            self._since[me] = time.monotonic()
            try:
                errand = self._errands.popleft()
            except IndexError:
                return
            self._outcomes.append(self._walk(errand))
            if not self._errands:
                self._settled.set()

    def _walk(self, errand: Errand) -> Outcome:
        try:
            return walk(errand, self._sender, self.gates)
        except Exception:
            # A fault of ours must not lose a run or end the thread.
            log.exception("walk.broke", run=errand.run_id)
            reason = "Relay itself failed in this run; the log says more. Replay it after an update."
            return Outcome(errand, state="failed", reason=reason, trail=list(errand.trail))
