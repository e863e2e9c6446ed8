"""Keeps lists of choices in memory for a short time: bounded, and separate for each connection."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class _Sized(Protocol):
    @property
    def size(self) -> int: ...


Kept = TypeVar("Kept", bound=_Sized)


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Kept]):
    value: Kept
    ends: float


class BoundedCache(Generic[Kept]):
    """Values until their time is over; the longest unused are dropped first. Threads share it.

    `max_size`: of all values together, in the unit of their `size`.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[Kept]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Kept | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry.ends < time.monotonic():
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return entry.value

    def put(self, key: Hashable, value: Kept, seconds: float) -> None:
        """Keep a value for `seconds`, unless it is larger than everything that may be kept."""
        with self._lock:
            self._drop(key)
            if seconds <= 0 or value.size > self._max_size:
                return
            self._entries[key] = _Entry(value, time.monotonic() + seconds)
            self._size += value.size
            while self._size > self._max_size:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.value.size
