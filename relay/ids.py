"""Ids of events, runs and attempts: 63-bit integers in order of time, and their short text."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
# Nobody gives nodes out, so that once in 65,536 two processes have the same one: whoever finds an id taken moves on.
_SEQUENCE_BITS = 6
_NODE_BITS = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TEXT = re.compile(r"[0-9a-hjkmnp-tv-z]{13}")


class _Source:
    """Ids of one process: milliseconds, a random node, a sequence that never repeats within them."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin as a process of its own; after a fork a thread that is no more may have held the lock."""
        self._lock = threading.Lock()
        self._last = 0
        self._sequence = 0
        self.move()

    def move(self) -> None:
        """Take another node at random."""
        self._node = secrets.randbits(_NODE_BITS) << _SEQUENCE_BITS

    def new(self) -> int:
        with self._lock:
            now = time.time_ns() // 1_000_000 - EPOCH_MS
            # A clock that steps back, or a full millisecond, goes on from the last one.
            now = max(now, self._last)
            self._sequence = self._sequence + 1 if now == self._last else 0
            if self._sequence >> _SEQUENCE_BITS:
                now, self._sequence = now + 1, 0
            self._last = now
            return (now << (_NODE_BITS + _SEQUENCE_BITS)) | self._node | self._sequence


def first_at(micros: int) -> int:
    """The smallest id that can be made at that time, in microseconds since 1970: all older ids are below it."""
    return max(0, micros // 1000 - EPOCH_MS) << (_NODE_BITS + _SEQUENCE_BITS)


_source = _Source()
os.register_at_fork(after_in_child=_source.start)


def new() -> int:
    """The next id. A plain function, because migrations name it."""
    return _source.new()


def move() -> None:
    """Make other ids from here on than another process, which has been found to make the same."""
    _source.move()


def text(number: int) -> str:
    """The 13 letters by which people and programs name an event or a run."""
    pairs = _PAIRS
    return (
        f"{_ALPHABET[number >> 60]}{pairs[number >> 50 & 1023]}{pairs[number >> 40 & 1023]}{pairs[number >> 30 & 1023]}"
        f"{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
    )


def number(text: str) -> int | None:
    """The id behind 13 letters; None when they are none."""
    if not _TEXT.fullmatch(text):
        return None
    value = 0
    for letter in text:
        value = value << 5 | _VALUES[letter]
    return value if value < 1 << 63 else None


def row(text: str) -> int | None:
    """The number of a row that people know by its number, as a flow; None for what is none, or past any database's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
