"""Forks processes from one preloaded parent: they start in milliseconds, share its memory and die with it."""

from __future__ import annotations

import ctypes
import logging
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.errors import RelayError, SetupError

FIRST_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 10.0
# A child that ran this long counts as healthy: its next restart is quick again.
HEALTHY_SECONDS = 60.0

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


@dataclass(slots=True)
class Child:
    """A process and its restarts. `pid` is 0 while it doesn't run; `started` and `due` are `time.monotonic` times."""

    name: str
    work: Callable[[], None]
    lasting: bool = True
    pid: int = 0
    code: int | None = None
    due: float = math.inf
    delay: float = FIRST_DELAY_SECONDS
    started: float = field(default=0.0, init=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.code, self.due = None, math.inf
        self.pid = fork(self.work, self.name)

    def note_end(self, code: int) -> None:
        """Note the exit code and when to restart, if at all: each quick end doubles the delay."""
        now = time.monotonic()
        self.pid, self.code = 0, code
        if not self.lasting:
            return
        if now - self.started >= HEALTHY_SECONDS:
            self.delay = FIRST_DELAY_SECONDS
        self.due = now + self.delay
        self.delay = min(self.delay * 2, MAX_DELAY_SECONDS)

    def send(self, number: signal.Signals) -> None:
        if self.pid:
            os.kill(self.pid, number)


def fork(work: Callable[[], None], name: str = "") -> int:
    """Run `work` in a new process and return its pid; it exits with 0, 2 for a SetupError or 1 for another error.

    `name` is its name in `ps` and `top`, on systems where a process can name itself.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    # Blocked until the child has its own handlers, so that no signal is lost in the parent's.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return pid
    code = 1
    try:
        _detach_from_parent(parent)
        set_process_name(name)
        code = _outcome(work)
    finally:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)


def _detach_from_parent(parent: int) -> None:
    """Use an own process group (Ctrl-C reaches only the parent), default signals, no input, and stderr for output."""
    _die_with(parent)
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)


def _outcome(work: Callable[[], None]) -> int:
    try:
        work()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except RelayError as error:
        print(f"relay: {error}", file=sys.stderr)
        return 2 if isinstance(error, SetupError) else 1
    except KeyboardInterrupt:
        return 130
    except BaseException:  # noqa: BLE001 - the end of the process
        traceback.print_exc()
        return 1
    return 0


if sys.platform == "linux":
    # Loaded before any fork, so that a child calls it without a lookup.
    _prctl = ctypes.CDLL(None, use_errno=True).prctl

    def _die_with(parent: int) -> None:
        """Have the kernel kill this process when its parent ends for any reason; this survives exec."""
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    def set_process_name(name: str) -> None:
        """Set the name of this process in `ps` and `top`."""
        _prctl(_PR_SET_NAME, f"relay {name}".strip().encode()[:15], 0, 0, 0)

else:

    def set_process_name(name: str) -> None:
        """Do nothing: only Linux lets a process name itself."""

    def _die_with(parent: int) -> None:
        """Exit when the parent changes. An exec ends this thread; the next `relay up` stops a leftover Valkey."""

        def watch() -> None:
            while os.getppid() == parent:
                time.sleep(0.5)
            os._exit(1)

        threading.Thread(target=watch, name="parent-watch", daemon=True).start()
