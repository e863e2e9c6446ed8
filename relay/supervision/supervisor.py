"""Starts child processes, restarts those that die, and stops all of them in order."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from relay.supervision.children import SIGNALS, Child

log = structlog.get_logger()

DRAIN_SECONDS = 30.0
_HURRIED_DRAIN_SECONDS = 2.0
# One Ctrl-C may arrive twice, from the terminal and from a launcher that passes it on.
_SAME_KEYSTROKE_SECONDS = 0.5


class Supervisor:
    """Keeps children running until a signal asks to stop. One per process, in its main thread."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stop_asked = 0.0
        self.hurried = False
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        # The previous program in this process may have blocked them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def add(self, name: str, work: Callable[[], None], *, lasting: bool = True) -> Child:
        """Start a child: a lasting one is restarted whenever it ends, another one sets `code` when it has ended."""
        child = Child(name, work, lasting=lasting)
        self.children.append(child)
        child.start()
        return child

    def supervise(self, until: Callable[[], bool], *, every: float = 3600.0) -> bool:
        """Reap and restart children until `until()`, checked at least every `every` seconds; False if stopped."""
        while not self.stop_asked:
            self._reap()
            if until():
                return True
            self._restart_due()
            self._sleep(every)
        return False

    def stop(self, *, last: Sequence[str] = ()) -> None:
        """Stop all children, those named in `last` after the others; kill those that don't end in time."""
        self.stop_asked = self.stop_asked or time.monotonic()
        self._end([child for child in self.children if child.name not in last])
        self._end(self.children)
        signal.set_wakeup_fd(-1)

    def _end(self, children: Sequence[Child]) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        for child in children:
            child.send(signal.SIGTERM)
        while any(child.pid for child in children):
            self._reap()
            if self.hurried:
                deadline = min(deadline, time.monotonic() + _HURRIED_DRAIN_SECONDS)
                self.hurried = False
            if time.monotonic() >= deadline:
                for child in children:
                    child.send(signal.SIGKILL)
            self._sleep(0.2)

    def _reap(self) -> None:
        for child in self.children:
            if child.pid:
                pid, status = os.waitpid(child.pid, os.WNOHANG)
                if pid:
                    self._note_end(child, os.waitstatus_to_exitcode(status))

    def _note_end(self, child: Child, code: int) -> None:
        child.note_end(code)
        if child.lasting and not self.stop_asked:
            restart_in = round(child.due - time.monotonic(), 1)
            log.warning("child.died", child=child.name, code=code, restart_in=restart_in)

    def _restart_due(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if not child.pid and child.due <= now:
                child.start()
                log.info("child.restarted", child=child.name, pid=child.pid)

    def _sleep(self, longest: float) -> None:
        """Sleep until a signal, the next restart or the longest time."""
        now = time.monotonic()
        wait = longest if self.stop_asked else min([now + longest, *(child.due for child in self.children)]) - now
        if select.select([self._wake], [], [], max(0.0, wait))[0]:
            self._wake.recv(4096)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.stop_asked:
            self.stop_asked = now
        elif now - self.stop_asked > _SAME_KEYSTROKE_SECONDS:
            self.hurried = True
