"""Programs of others, run on loopback for the time of a test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support.running import wait_until

SHOULD_BE_READY = 180.0  # seconds; n8n makes its database first


def free_port() -> int:
    """A port that no program of this machine listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Program:
    """A process with a folder of its own, which is removed in the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="relay-real-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "program.log").read_text(errors="replace")

    def run(self, command: Sequence[str], env: Mapping[str, str], is_ready: Callable[[], object]) -> Self:
        """Start it and wait until it is ready; if it ends before, its log is part of the failure."""
        with (self.folder / "program.log").open("ab") as log:
            # A group of its own: `node` of the package is a program that starts the real one.
            self._process = subprocess.Popen(
                command, env=dict(env), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        process = self._process

        def ready_or_ended() -> object:
            assert process.poll() is None, f"{command[0]} has ended: {self.log[-4000:]}"
            return is_ready()

        wait_until(ready_or_ended, seconds=SHOULD_BE_READY, what=f"{command[0]} is ready")
        return self

    def remove(self) -> None:
        if self._process is not None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(self._process.pid, number)
                    self._process.wait(20)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
