"""Processes forked from one preloaded parent: they start in milliseconds, share its memory and die with it."""

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

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
# A child that lived so long was well: its next restart is quick again.
HEALTHY_AFTER = 60.0

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


@dataclass(slots=True)
class Child:
    """One process and its restarts. `pid` is 0 while it doesn't run; `started` and `due` are of `time.monotonic`."""

    name: str
    work: Callable[[], None]
    lasting: bool = True
    pid: int = 0
    code: int | None = None
    due: float = math.inf
    delay: float = FIRST_DELAY
    started: float = field(default=0.0, init=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.code, self.due = None, math.inf
        self.pid = fork(self.work, self.name)

    def ended(self, code: int) -> None:
        """Note the end and when to start again, if ever: each quick end doubles the wait."""
        now = time.monotonic()
        self.pid, self.code = 0, code
        if not self.lasting:
            return
        if now - self.started >= HEALTHY_AFTER:
            self.delay = FIRST_DELAY
        self.due = now + self.delay
        self.delay = min(self.delay * 2, LONGEST_DELAY)

    def send(self, number: signal.Signals) -> None:
        if self.pid:
            os.kill(self.pid, number)


def fork(work: Callable[[], None], name: str = "") -> int:
    """Run `work` in a new process, which ends with it (0), with SetupError (2) or another error (1); its pid.

    `name` is what `ps` and `top` call it, where the system lets a process name itself.
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
        _leave_the_parent(parent)
        call_this(name)
        code = _outcome(work)
    finally:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)


def _leave_the_parent(parent: int) -> None:
    """Own group (a terminal's Ctrl-C reaches only the parent), default signals, no input, output to stderr."""
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
    # Loaded before any fork, so that a child needs no lookup between its birth and the call.
    _prctl = ctypes.CDLL(None, use_errno=True).prctl

    def _die_with(parent: int) -> None:
        """Have the kernel kill this process when its parent ends, however it ends; it holds across exec."""
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    def call_this(name: str) -> None:
        """Have `ps` and `top` say what this process is."""
        _prctl(_PR_SET_NAME, f"relay {name}".strip().encode()[:15], 0, 0, 0)

else:

    def call_this(name: str) -> None:
        """Only Linux lets a process name itself."""

    def _die_with(parent: int) -> None:
        """Watch for another parent from a thread. An exec ends it: the next `relay up` stops a leftover Valkey."""

        def watch() -> None:
            while os.getppid() == parent:
                time.sleep(0.5)
            os._exit(1)

        threading.Thread(target=watch, name="parent-watch", daemon=True).start()
