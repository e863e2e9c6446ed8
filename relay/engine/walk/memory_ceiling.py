"""Limits the memory of a worker process, and frees memory when the limit is reached.

Beyond the limit the system refuses memory, and Python raises MemoryError in the thread that asks for it. Only Linux
has such a limit; on other systems a worker has none.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
import threading
from pathlib import Path

import structlog

log = structlog.get_logger()

# Shares of the memory that a worker may take beyond what it starts with: above NEAR it frees what it can, and if it
# stays above STAYS, the process is replaced.
NEAR = 0.75
STAYS = 0.5
# Stack of each thread: the usual 8 MiB are never touched, but count. On Windows, Python runs with half of this.
_STACK = 2 * 1024 * 1024

_reached = threading.Event()
_limit = _base = 0


def set_limit(max_bytes: int, *, threads: int) -> None:
    """Limit this process to `max_bytes`, besides the stacks of `threads` threads; 0 for no limit."""
    global _limit, _base
    _limit, _base = max_bytes, resident()
    if max_bytes <= 0 or sys.platform != "linux":
        return
    reserved = _status("VmData")
    threading.stack_size(_STACK)
    # The system counts reserved writable memory: whole stacks, however little of them is touched.
    room = max(0, max_bytes - _base) + (threads + 1) * _STACK
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (reserved + room, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def reached() -> None:
    """Note that memory was refused: the worker claims nothing more until `recover`."""
    if not _reached.is_set():
        log.warning("worker.memory", used_mb=resident() >> 20, limit_mb=_limit >> 20)
    _reached.set()


def is_reached() -> bool:
    return _reached.is_set()


def is_near() -> bool:
    """Whether this process uses so much memory that it should free some before it claims more."""
    return _exceeds(NEAR)


def recover() -> bool:
    """Free unused memory; False if so much stays in use that the process must be replaced.

    Call it when the worker holds no runs.
    """
    gc.collect()
    trim()
    _reached.clear()
    if not _exceeds(STAYS):
        return True
    log.warning("worker.replaced", used_mb=resident() >> 20, limit_mb=_limit >> 20)
    return False


def _exceeds(part: float) -> bool:
    """Whether the process uses more than this part of what it may take beyond its start."""
    return _limit > 0 and _base + part * max(0, _limit - _base) < resident()


def trim() -> None:
    """Have glibc's malloc return its free memory to the system."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl
            ctypes.CDLL(None).malloc_trim(0)


def resident() -> int:
    """Bytes of memory that this process uses; 0 if the system doesn't report them."""
    return _status("VmRSS")


def _status(name: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
