"""Defines the requests that a walk makes to the state of its step; settling answers them, under the run's fence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from relay.conditions.operators import as_number, equal


class StateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A step that can't be decided from its run alone. It ends the walk, and the run continues once it is answered.

    `entry`: its id in the trail. `key`: digest of the key. `value`: JSON text, what *changed* compares or a digest
    gathers. `until`: end of the window in microseconds since 1970; None for no window, and for a delay that is over.
    `limit`: how many runs are gathered at most. `since`: when a wait for a duration began, None for a wait until a
    date.
    """

    kind: Literal["once", "changed", "digest", "delay"]
    step: str
    entry: str
    name: str
    key: str
    value: str = "null"
    deadband: float | None = None
    until: int | None = None
    until_text: str = ""
    limit: int = 0
    since: int | None = None

    @property
    def is_in_loop(self) -> bool:
        return "[" in self.entry


def differs(last: Any, new: Any, deadband: float | None) -> bool:
    """Whether two values differ; numbers with a dead band differ by more than that."""
    before, after = as_number(last), as_number(new)
    if deadband is not None and before is not None and after is not None:
        return abs(before - after) > Decimal(repr(deadband))
    return not equal(last, new)
