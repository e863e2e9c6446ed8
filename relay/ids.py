"""Makes ids of events, runs and attempts: 63-bit integers in order of time, with a short text form."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
# Nodes are random, so that two of 65,536 processes share one: a process that finds an id in use picks another node.
_SEQUENCE_BITS = 6
_NODE_BITS = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TEXT = re.compile(r"[0-9a-hjkmnp-tv-z]{13}")


class _Source:
    """The ids of one process: milliseconds, a random node, and a sequence that never repeats within a millisecond."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start a new process's state: at a fork, a thread that the child doesn't have may have held the lock."""
        self._lock = threading.Lock()
        self._last = 0
        self._sequence = 0
        self.pick_node()

    def pick_node(self) -> None:
        """Pick another node at random."""
        self._node = secrets.randbits(_NODE_BITS) << _SEQUENCE_BITS

    def new(self) -> int:
        with self._lock:
            now = time.time_ns() // 1_000_000 - EPOCH_MS
            # After a clock step back, or when a millisecond is full, ids continue from the last one.
            now = max(now, self._last)
            self._sequence = self._sequence + 1 if now == self._last else 0
            if self._sequence >> _SEQUENCE_BITS:
                now, self._sequence = now + 1, 0
            self._last = now
            return (now << (_NODE_BITS + _SEQUENCE_BITS)) | self._node | self._sequence


def first_at(micros: int) -> int:
    """Return the smallest id that can be made at a time (microseconds since 1970): all older ids are below it."""
    return max(0, micros // 1000 - EPOCH_MS) << (_NODE_BITS + _SEQUENCE_BITS)


_source = _Source()
os.register_at_fork(after_in_child=_source.start)


def new() -> int:
    """Return the next id. A plain function, because migrations reference it."""
    return _source.new()


def pick_other_node() -> None:
    """Pick another node, after another process was found to make the same ids."""
    _source.pick_node()


def text(number: int) -> str:
    """Return the reference of an event or a run, 13 letters."""
    pairs = _PAIRS
    return (
        f"{_ALPHABET[number >> 60]}{pairs[number >> 50 & 1023]}{pairs[number >> 40 & 1023]}{pairs[number >> 30 & 1023]}"
        f"{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
    )


def number(text: str) -> int | None:
    """Parse a reference of 13 letters; None for any other text."""
    if not _TEXT.fullmatch(text):
        return None
    value = 0
    for letter in text:
        value = value << 5 | _VALUES[letter]
    return value if value < 1 << 63 else None


def row(text: str) -> int | None:
    """Parse the number of a row, such as a flow; None for any other text, or a number too large for a database."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
