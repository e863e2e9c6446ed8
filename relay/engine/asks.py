"""What a walk asks of the state that its step has: answered where the run is settled, under its fence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

from relay.conditions.operators import as_number, equal


@dataclass(frozen=True, slots=True)
class Ask:
    """A step that can't be decided by its run alone. The walk ends with it, and goes on when it is answered.

    `entry`: its id in the trail. `key`: digest of the key. `value`: of *changed*, or what is gathered; JSON text.
    `until`: the end of the window, microseconds since 1970, None: none; of a delay that ends. `limit`: runs gathered at
    most. `since`: when a wait began whose end is so long after it, None: it ends at a date.
    """

    kind: Literal["once", "changed", "digest", "delay"]
    step: str
    entry: str
    name: str
    key: str
    value: str = "null"
    deadband: float | None = None
    until: int | None = None
    until_told: str = ""
    limit: int = 0
    since: int | None = None

    @property
    def is_in_loop(self) -> bool:
        return "[" in self.entry


def digest(key: Any) -> str:
    """SHA-256 of a key, whatever it is."""
    text = key if isinstance(key, str) else msgspec.json.encode(key, order="sorted").decode()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differs(last: Any, new: Any, deadband: float | None) -> bool:
    """Whether a value is another one; of numbers with a dead band, whether by more than that."""
    one, other = as_number(last), as_number(new)
    if deadband is not None and one is not None and other is not None:
        return abs(one - other) > Decimal(repr(deadband))
    return not equal(last, new)
