"""Limits the bytes of due runs that a worker takes at once, and decides which runs it takes alone."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from relay.engine.walk.crash_suspects import ALONE, TOO_OFTEN
from relay.engine.walk.work_item import WorkItem

# Bytes of bodies, trails and gathered items of the runs that a worker holds; a single run may have more. As Python
# objects they can take twenty times as much.
MAX_IN_HAND_BYTES = 8 * 1024 * 1024
# Seconds for which a worker claims nothing else while it walks a suspect, or waits for its other runs before it takes
# one.
ALONE_SECONDS = 2.0
# Seconds between two suspects when several are due, so that other runs are walked in between.
SPACING_SECONDS = 2 * ALONE_SECONDS


class Offer(msgspec.Struct, frozen=True):
    """A claimed run that can be taken or put back. `weight`: in bytes."""

    run_id: int
    weight: int
    suspicion: int

    @property
    def is_suspect(self) -> bool:
        return ALONE <= self.suspicion < TOO_OFTEN


class MemoryAllotment:
    """Decides what one worker takes: call `allows` before each claim, and `take` after it."""

    def __init__(self) -> None:
        self._most: int | None = None
        self._in_hand = 0
        self._room = MAX_IN_HAND_BYTES
        self._is_waiting = False  # for the runs in hand, before a suspect is taken
        self._until = 0.0  # when the worker may claim beside a suspect

    def allows(self, in_hand: Sequence[WorkItem]) -> bool:
        """Whether the worker may claim more runs beside those that it holds."""
        self._in_hand = len(in_hand)
        self._room = MAX_IN_HAND_BYTES - sum(work_item.weight for work_item in in_hand)
        return not in_hand or (self._room > 0 and time.monotonic() >= self._until)

    def most(self, limit: int) -> int:
        """How many runs to claim: fewer than `limit` after a claim of which runs were put back."""
        return limit if self._most is None else min(limit, self._most)

    def take(self, offers: Sequence[Offer]) -> dict[int, float]:
        """The runs to put back: run id -> seconds after which it is due again."""
        suspects = [offer for offer in offers if offer.is_suspect]
        if suspects:
            return self._with_suspects(offers, suspects)
        self._is_waiting = False
        return self._by_weight(offers)

    def _by_weight(self, offers: Sequence[Offer]) -> dict[int, float]:
        back: dict[int, float] = {}
        room, is_first = self._room, not self._in_hand
        for offer in offers:
            if offer.weight <= room or is_first:
                room -= offer.weight
                is_first = False
            else:
                back[offer.run_id] = 0.0
        kept = len(offers) - len(back)
        self._most = max(1, 2 * kept) if back else None
        return back

    def _with_suspects(self, offers: Sequence[Offer], suspects: Sequence[Offer]) -> dict[int, float]:
        """Put back all runs but the first suspect; and that one too, for a while, if other runs are in hand."""
        waits = bool(self._in_hand) and not self._is_waiting
        self._is_waiting = waits
        self._until = time.monotonic() + ALONE_SECONDS
        back = {offer.run_id: 0.0 for offer in offers}
        back |= {offer.run_id: index * SPACING_SECONDS for index, offer in enumerate(suspects)}
        if not waits:
            del back[suspects[0].run_id]
        return back
