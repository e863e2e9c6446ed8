"""Work: claim, walk and settle, again and again until nothing is due or the slice is over."""

from __future__ import annotations

import functools
import time

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from relay import queues
from relay.engine import destinations, due, sql
from relay.engine.claim import BATCH, claim, renew
from relay.engine.errand import Outcome
from relay.engine.gates import Gates, Shared
from relay.engine.sending import sender
from relay.engine.settle import settle
from relay.engine.walkers import STUCK_AFTER, Walkers

log = structlog.get_logger()

GATES_EVERY = 0.5  # seconds
DATABASE_AGAIN = 0.2  # seconds
# Who has claimed no more than so many at once, for so many seconds, leaves the work to another worker.
MANY = BATCH // 2
LITTLE_FOR = 0.25
# So long a worker stays for runs that it has put back, in seconds.
SOON = 2.0
SPARE_EVERY = 0.05  # seconds between two questions whether another one watches

# Runs that a process holds at once: those that its threads walk, and the next batch.
MOST_IN_HAND = BATCH + settings.WORKER_THREADS


@functools.cache
def _walkers() -> Walkers:
    sql.lower_durability()
    gates = Gates(settings.WORKER_THREADS, Shared(queues.admit, queues.occupy, queues.vacate))
    return Walkers(sender(), settings.WORKER_THREADS, gates)


def work(*, walkers: Walkers | None = None, linger: float | None = None) -> int:
    """Work on due runs until none has been due for `linger` seconds or the time slice is over; the number settled.

    The slice ends with nothing in hand only: while slow destinations keep some runs in hand, others are claimed on.
    An RQ job costs more than a hundred looks at the database, so a job that has run out of work watches for a
    little while before it ends; see queues.Watch for why nothing is missed.
    """
    shift = _Shift(walkers or _walkers(), settings.WORKER_LINGER if linger is None else linger)
    watch = queues.Watch()
    while shift.goes_on:
        watch.keep()
        queues.still_serving()
        if not shift.look():
            if shift.awaits_pace:
                shift.leave_if_spare(watch)
            time.sleep(shift.pause)
        elif shift.has_little_to_do:
            shift.leave_if_spare(watch)
    watch.end()
    while shift.look():
        pass
    if shift.is_over:
        queues.ring()
    return shift.settled


class _Shift:
    """One job's work: claim, walk and settle, and know when to stop."""

    def __init__(self, walkers: Walkers, linger: float) -> None:
        self._walkers = walkers
        self._linger = linger
        self._until = time.monotonic() + settings.WORKER_SLICE
        self._busy_at = self._renewed_at = time.monotonic()
        self._gates_at = 0.0
        self._asked_at = 0.0
        self._much_at = time.monotonic()  # when there was last more than one worker gets on with
        self._left = False
        self._gates = walkers.gates
        self._fair = due.Fair()
        self._unsettled: list[Outcome] = []
        self._lost_at = 0.0  # when the database was lost, while it is
        self.settled = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be claimed: the slice has ended with nothing in hand, or Relay stops."""
        ends = self._left or time.monotonic() >= self._until
        return queues.stopping.is_set() or (ends and not self._walkers.in_hand)

    @property
    def goes_on(self) -> bool:
        lingers = time.monotonic() - self._busy_at < self._linger
        return not self.is_over and (lingers or bool(self._walkers.in_hand) or self.awaits_pace)

    @property
    def awaits_pace(self) -> bool:
        """Whether a rate or another worker's send is over soon: upkeep rings but once a second."""
        return self._gates.opens_in < SOON

    @property
    def has_little_to_do(self) -> bool:
        """Whether another worker would get on with it alone: two that share few runs commit each of them alone."""
        return time.monotonic() - self._much_at > LITTLE_FOR and not self._walkers.in_hand

    def leave_if_spare(self, watch: queues.Watch) -> None:
        """Leave the work to another one who watches."""
        if time.monotonic() - self._asked_at > SPARE_EVERY:
            self._asked_at = time.monotonic()
            self._left = watch.is_spare()

    @property
    def pause(self) -> float:
        """Seconds until the next look: short at first, longer the longer nothing comes."""
        if not self._walkers.in_hand and 0 < self._gates.opens_in < SOON:
            return min(0.02, self._gates.opens_in)
        return min(0.004, 0.0005 + (time.monotonic() - self._busy_at) / 10)

    def look(self) -> bool:
        """Claim what is due and settle what has been walked; False when there was neither."""
        try:
            return self._look()
        except (OperationalError, InterfaceError) as error:
            self._outlast(error)
            return self._has_more

    @property
    def _has_more(self) -> bool:
        return bool(self._walkers.in_hand or self._unsettled)

    def _look(self) -> bool:
        if self._lost_at:
            sql.lower_durability()
            self._lost_at = 0.0
        claimed = not self._unsettled and self._claim()
        if not self._has_more:
            return claimed
        self._unsettled += self._walkers.fetch(STUCK_AFTER)
        self.settled += settle(self._unsettled)
        self._unsettled = []
        self._close_gates()
        self._renew()
        self._busy_at = time.monotonic()
        return True

    def _outlast(self, error: Exception) -> None:
        """Wait a moment for a database that is away, locked or full; what has been walked is kept until it is back."""
        log.warning("work.database", reason=str(error).strip())
        sql.disconnect()
        self._lost_at = self._lost_at or time.monotonic()
        if queues.stopping.is_set() and time.monotonic() - self._lost_at > settings.LEASE:
            raise error
        time.sleep(DATABASE_AGAIN)

    def _claim(self) -> bool:
        room = min(BATCH, MOST_IN_HAND - len(self._walkers.in_hand))
        if self.is_over or self._walkers.waiting or room <= 0:
            return False
        self._open_gates()
        rooms = self._gates.rooms()
        errands = claim(room, lambda limit: self._fair.choose(limit, rooms)) if rooms else claim(room)
        if rooms:
            self._gates.relax(self._fair.exhausted)
        if len(errands) == BATCH:
            queues.call()
        if rooms or len(errands) > MANY:
            self._much_at = time.monotonic()
        if errands:
            self._walkers.give(errands)
        return bool(errands)

    def _open_gates(self) -> None:
        """Learn now and then which destinations are shut, and how many workers share the flows."""
        if time.monotonic() - self._gates_at > GATES_EVERY:
            self._gates_at = time.monotonic()
            self._gates.learn(destinations.shut())
            self._gates.workers = queues.workers() or self._gates.workers

    def _close_gates(self) -> None:
        """Hold what goes to destinations that have been found failing."""
        for place, reason in self._gates.tripped().items():
            destinations.hold(place, reason)
            self._gates_at = 0.0

    def _renew(self) -> None:
        if time.monotonic() - self._renewed_at > settings.LEASE / 4:
            self._renewed_at = time.monotonic()
            renew(self._walkers.in_hand)
