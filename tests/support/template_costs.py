"""Measures the CPU time and the peak Python memory of a call."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from relay.errors import RelayError

# A template may take 100 ms and 32 MB. Counting memory makes Python several times slower, and so may a busy machine.
SECONDS = 1.5
BYTES = 32 * 1024 * 1024


def watched(call: Callable[[], Any]) -> Any:
    """What `call` returns or the Relay error that it raises; fails where it takes too long or too much."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        outcome = timed(call)
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert most < BYTES
    return outcome


def timed(call: Callable[[], Any]) -> Any:
    """As `watched`, of the time alone."""
    started = time.thread_time()
    outcome = _ended(call)
    assert time.thread_time() - started < SECONDS
    return outcome


def _ended(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except RelayError as error:
        return error
