"""Counts the sends in flight from one flow to one destination, and how many more can start."""

from __future__ import annotations

from dataclasses import dataclass

# A send that takes longer is slow.
SLOW_SECONDS = 0.2
# A run that can't start now is due again when a send may have ended, but within these limits.
MIN_WAIT_SECONDS = 0.05
MAX_WAIT_SECONDS = 5.0
# Where a rate limits sends, runs are claimed for this time at once.
CLAIM_AHEAD_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """The run can't send now, and is due again after `seconds`."""

    seconds: float


@dataclass(slots=True)
class Lane:
    """The sends of one flow to one destination.

    `seconds`: the recent duration of a send, None before the first. `share`: how many sends of the flow may be in
    flight. `is_crowded`: runs were put back, and more of them may be due. `paced_until`: no run can start before this
    time of the monotonic clock. `ahead`: how many can start then, if a rate limits them.
    """

    in_flight: int = 0
    seconds: float | None = None
    share: int = 1
    is_crowded: bool = False
    paced_until: float = 0.0
    ahead: int | None = None

    @property
    def is_slow(self) -> bool:
        # Unknown counts as slow, since many new flows at once must not fill the pool either.
        return self.seconds is None or self.seconds > SLOW_SECONDS

    @property
    def wait(self) -> Wait:
        """Half the duration of a send: about the time until the next one ends."""
        return Wait(min(max((self.seconds or 0.0) / 2, MIN_WAIT_SECONDS), MAX_WAIT_SECONDS))

    def capacity(self, now: float, cap: int, flow_in_flight: int) -> int:
        """How many runs can start now. `cap`: the limit of a lane; `flow_in_flight`: the flow's sends in all lanes."""
        if self.paced_until > now:
            return 0
        capacity = max(0, min(cap - self.in_flight, self.share - flow_in_flight))
        return capacity if self.ahead is None else min(capacity, self.ahead)
