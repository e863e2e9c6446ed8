"""Memory of a process that has loaded what it needs."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys


def settle() -> None:
    """Keep what is loaded apart from what comes: nothing in it is touched, and so copied, by a child.

    What imports took and no longer need goes back to the system, where its malloc is glibc's: a tenth of the process,
    with which each child would be counted.
    """
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl
            ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()
