"""Starts a helper process that can be killed, and asks it questions."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from relay import masking
from relay.engine.sandbox import protocol
from relay.errors import RelayError, TemplateLimit

# The longest time for one question, however busy the machine is, and the longest wait for earlier questions. A helper
# that computes is stopped sooner, by its CPU limit.
WALL_SECONDS = 10.0
TURN_SECONDS = 10.0
# How often one helper may start within a minute, unless a pool counts the stops.
MAX_STARTS = 20
# The exit status of a process that failed because of a bug in Relay.
BROKEN_STATUS = 2
_START_SECONDS = 30.0
_ROOT = Path(__file__).parents[3]


class HelperProcess:
    """One helper process: started by the first question, exits when it is idle, and is started again after that."""

    def __init__(
        self,
        *,
        module: str,
        first_message: dict[str, Any],
        noun: str,
        cpu_seconds: int,
        wall_seconds: float = WALL_SECONDS,
        max_starts: int | None = MAX_STARTS,
    ) -> None:
        self.wall_seconds, self._cpu_seconds = wall_seconds, cpu_seconds
        self._module, self._first_message, self._noun = module, first_message, noun
        self._max_starts = max_starts
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._starts: deque[float] = deque(maxlen=MAX_STARTS)

    @property
    def pid(self) -> int | None:
        """The process id, if the process is running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer of the process. Raises TemplateLimit (`time`, `memory`), or RelayError if there is no answer."""
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise RelayError(f"Too many {self._noun}s at once: try again in a moment")
        try:
            answer: dict[str, Any] = masking.shown(self._ask(question))
            return answer
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            self._end()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        status = 0
        # A process that has just exited because it was idle, with status 0, is replaced.
        for _ in range(2):
            answer = self._exchange(self._ready(), question)
            if answer is not None:
                return answer
            status = self._end()
            if status:
                break
        raise self._stopped(status)

    def _exchange(
        self, process: subprocess.Popen[bytes], question: dict[str, Any], *, wall_seconds: float | None = None
    ) -> dict[str, Any] | None:
        """The answer, or None if the process exited instead, or was killed after `wall_seconds`."""
        timer = threading.Timer(wall_seconds or self.wall_seconds, _kill, (process,))
        timer.start()
        try:
            assert process.stdin is not None
            protocol.write(process.stdin, question)  # type: ignore[arg-type]
            answer: dict[str, Any] | None = protocol.read(process.stdout)
        except BrokenPipeError:
            answer = None
        finally:
            timer.cancel()
        return answer

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._start()
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        now = time.monotonic()
        if self._max_starts is not None and len(self._starts) >= self._max_starts and now - self._starts[0] < 60:
            raise RelayError(f"{self._noun.capitalize()}s had to be stopped too often: try again in a minute")
        self._starts.append(now)
        # This process's environment holds keys and passwords, so none of it is passed on.
        environment = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "PYTHONUTF8": "1"}
        command = [sys.executable, "-P", "-m", self._module]
        process = subprocess.Popen(  # noqa: S603 - a module of Relay
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0
        )
        # The start is not part of the first question's time.
        if self._exchange(process, self._first_message, wall_seconds=_START_SECONDS) is None:
            process.wait()
            raise RelayError(f"The process that makes {self._noun}s does not start: the log says why")
        return process

    def _end(self) -> int:
        """Make sure that the process has ended; returns its exit status, 0 if there was none."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            _kill(process)
            return process.wait()

    def _stopped(self, status: int) -> RelayError:
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            limit = (
                f"{self._cpu_seconds} seconds of CPU" if status == -signal.SIGXCPU else f"{self.wall_seconds:g} seconds"
            )
            return TemplateLimit("time", f"the {self._noun} was stopped: it took longer than {limit}")
        if status == BROKEN_STATUS:
            return RelayError(f"This {self._noun} could not be made: the log says why")
        return TemplateLimit("memory", f"the {self._noun} was stopped: it needed more memory than it may have")


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it has started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
