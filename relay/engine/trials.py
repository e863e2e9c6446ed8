"""Trials: templates of pages are rendered and checked in a helper process that can be killed, one for this process.

Deliveries render in the worker itself, within the same fuel; what somebody is still writing is kept apart from pages.
"""

from __future__ import annotations

import atexit
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

from relay import redaction
from relay.engine import trialprocess
from relay.errors import RelayError, TemplateLimit

# Seconds for one question, whatever else the machine does, and for waiting until those before it are answered. What
# computes is ended sooner: the helper has some seconds of CPU for a question (trialprocess.CPU).
WALL = 10.0
PATIENCE = 10.0
# Starts within a minute; more, and something kills helpers again and again.
MOST_STARTS = 20
# The status of a process that ended because of a mistake of ours.
BROKEN = 2
# Seconds that its start may take.
_START = 30.0
_NOTHING: dict[str, Any] = {"step": {}, "before": [], "outputs": {}, "flow": "", "event": None}
_ROOT = Path(__file__).parents[2]


class Helper:
    """One helper process: started by the first question, ended by itself when nobody asks, started anew when killed."""

    def __init__(
        self,
        *,
        wall: float = WALL,
        module: str = trialprocess.__name__,
        first: dict[str, Any] = _NOTHING,
        noun: str = "preview",
        cpu: int = trialprocess.CPU,
    ) -> None:
        self.wall, self._module, self._first, self._noun, self._cpu = wall, module, first, noun, cpu
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._starts: deque[float] = deque(maxlen=MOST_STARTS)

    @property
    def pid(self) -> int | None:
        """The process that would be asked now, if there is one."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """What the process answers. Raises TemplateLimit (`time`, `memory`), RelayError where it can't be had."""
        if not self._turn.acquire(timeout=PATIENCE):
            raise RelayError(f"Too many {self._noun}s at once: try again in a moment")
        try:
            found: dict[str, Any] = redaction.shown(self._asked(question))
            return found
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            self._end()

    def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        status = 0
        # One that has just ended because nobody asked, with status 0, is replaced without a word.
        for _ in range(2):
            found = self._exchange(self._ready(), question)
            if found is not None:
                return found
            status = self._end()
            if status:
                break
        raise self._stopped(status)

    def _exchange(
        self, process: subprocess.Popen[bytes], question: dict[str, Any], *, wall: float | None = None
    ) -> dict[str, Any] | None:
        """The answer, or None where the process ended instead, by itself or by its clock."""
        clock = threading.Timer(wall or self.wall, _kill, (process,))
        clock.start()
        try:
            assert process.stdin is not None
            trialprocess.write(process.stdin, question)  # type: ignore[arg-type]
            found: dict[str, Any] | None = trialprocess.read(process.stdout)
        except BrokenPipeError:
            found = None
        finally:
            clock.cancel()
        return found

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._started()
        return self._process

    def _started(self) -> subprocess.Popen[bytes]:
        now = time.monotonic()
        if len(self._starts) == MOST_STARTS and now - self._starts[0] < 60:
            raise RelayError(f"{self._noun.capitalize()}s had to be stopped too often: try again in a minute")
        self._starts.append(now)
        # Nothing of this process's environment: it holds keys and passwords.
        safe = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "PYTHONUTF8": "1"}
        command = [sys.executable, "-P", "-m", self._module]
        process = subprocess.Popen(  # noqa: S603 - a module of our own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=safe, process_group=0
        )
        # Its start is not counted to the first question.
        if self._exchange(process, self._first, wall=_START) is None:
            process.wait()
            raise RelayError(f"The process that makes {self._noun}s does not start: the log says why")
        return process

    def _end(self) -> int:
        """Make sure that it has ended; its status, 0 where there was none."""
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
            most = f"{self._cpu} seconds of CPU" if status == -signal.SIGXCPU else f"{self.wall:g} seconds"
            return TemplateLimit("time", f"the {self._noun} was stopped: it took longer than {most}")
        if status == BROKEN:
            return RelayError(f"This {self._noun} could not be made: the log says why")
        return TemplateLimit("memory", f"the {self._noun} was stopped: it needed more memory than it may have")


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it has started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


HELPER = Helper()
atexit.register(HELPER.close)


def ask(question: dict[str, Any]) -> dict[str, Any]:
    """The answer of `trial.answer`, from this process's helper. Raises TemplateLimit, RelayError."""
    return HELPER.ask(question)
