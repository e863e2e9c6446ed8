"""Implements `relay up --reload`: restarts `relay up` whenever one of Relay's files changes, for development."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

PACKAGE = Path(__file__).resolve().parents[1]
_WATCHED = {".py", ".html", ".css", ".js", ".svg", ".json"}
_POLL_SECONDS = 0.5


def main(words: Sequence[str]) -> int:
    """Run `relay up` with the other options until it is asked to stop; return its exit code."""
    command = [sys.executable, "-m", "relay", "up", *(word for word in words if word != "--reload")]
    return run(command, (PACKAGE, PACKAGE.parent / "templates", PACKAGE.parent / "static"))


def run(command: Sequence[str], folders: Sequence[Path]) -> int:
    """Run a command, and restart it when a file in the folders changes; return its exit code when it succeeds.

    A command that fails, for example because of a syntax error, is restarted with the next change. SIGINT and
    SIGTERM stop both.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    while True:
        before, process = _stamps(folders), subprocess.Popen(command)  # noqa: S603
        try:
            while process.poll() != 0 and _stamps(folders) == before:
                time.sleep(_POLL_SECONDS)
        except KeyboardInterrupt:
            return _stop(process)
        if process.poll() == 0:
            return 0
        print("A file changed: starting again.", file=sys.stderr, flush=True)
        _stop(process)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop(process: subprocess.Popen[bytes]) -> int:
    """Stop the process and return its exit code; a terminal's Ctrl-C may have reached it already."""
    process.terminate()
    return process.wait()


def _stamps(folders: Sequence[Path]) -> dict[Path, float]:
    stamps = {}
    for path in (path for folder in folders for path in folder.rglob("*") if path.suffix in _WATCHED):
        with contextlib.suppress(FileNotFoundError):  # editors replace files while saving
            stamps[path] = path.stat().st_mtime
    return stamps
