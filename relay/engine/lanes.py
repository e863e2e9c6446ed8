"""Lanes: what is under way of one flow to one place, and how much more has a chance."""

from __future__ import annotations

from dataclasses import dataclass

# Seconds from which on a send is slow.
SLOW = 0.2
# Runs that find no place free come back about when one may be, between these seconds.
SHORTEST_WAIT = 0.05
LONGEST_WAIT = 5.0
# Seconds of a connection's rate for which runs are claimed at once.
AHEAD = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: come back after `seconds`."""

    seconds: float


@dataclass(slots=True)
class Lane:
    """`seconds`: what a send takes lately, None before the first. `share`: sends of the flow at once.

    `is_crowded`: runs had to be put back, and more of them may be due; `paced_until`: none has a chance before, by the
    clock that nobody sets; `ahead`: how many have one then, where a rate sets the pace.
    """

    under_way: int = 0
    seconds: float | None = None
    share: int = 1
    is_crowded: bool = False
    paced_until: float = 0.0
    ahead: int | None = None

    @property
    def is_slow(self) -> bool:
        # Unknown counts as slow: many new flows at once must not fill the pool either.
        return self.seconds is None or self.seconds > SLOW

    @property
    def wait(self) -> Wait:
        """Half of what a send takes: about when the next one ends."""
        return Wait(min(max((self.seconds or 0.0) / 2, SHORTEST_WAIT), LONGEST_WAIT))

    def room(self, now: float, cap: int, under_way: int) -> int:
        """How many runs can be begun now, of `cap` of a lane, with so many `under_way` of the flow in all lanes."""
        if self.paced_until > now:
            return 0
        room = max(0, min(cap - self.under_way, self.share - under_way))
        return room if self.ahead is None else min(room, self.ahead)
