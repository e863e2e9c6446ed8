"""A clock that can be set: Python loads this first in processes of tests that have this folder on their path.

It is off by the seconds that stand in the file RELAY_TEST_CLOCK, and follows them within a moment.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import time_machine

LOOK_EVERY = 0.02  # seconds


def _follow() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the main thread
    global _offset  # noqa: PLW0603 - what a fork inherits
    while True:
        offset = float(_file.read_text() or _offset)
        if offset != _offset:
            _traveller.shift(offset - _offset)
            _offset = offset
        time.sleep(LOOK_EVERY)


def _start() -> None:
    threading.Thread(target=_follow, name="clock", daemon=True).start()


_file = Path(os.environ["RELAY_TEST_CLOCK"])
_offset = 0.0
_traveller = time_machine.travel(time.time(), tick=True).start()
os.register_at_fork(after_in_child=_start)
_start()
