"""Watching what one call takes: CPU of its thread and the most memory that Python had at once."""

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
        before, started = tracemalloc.get_traced_memory()[0], time.thread_time()
        outcome = _ended(call)
        taken, most = time.thread_time() - started, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert taken < SECONDS
    assert most < BYTES
    return outcome


def _ended(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except RelayError as error:
        return error
