"""The parent of all, once they run, becomes a small process: what they were forked from is a quarter of all memory."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from relay.supervision.children import SIGNALS, Child
from relay.supervision.supervisor import Supervisor

# The note to the program that follows in this process; it isn't kept for children.
_NOTE = "_UP_GOES_ON"
_KEPT = ("name", "pid", "code", "due", "delay", "started")


@dataclass(frozen=True, slots=True)
class Note:
    """`lock`: the open file that holds the data folder. `children`: fields of Child, without the work."""

    lock: int
    port: int
    children: tuple[Mapping[str, Any], ...]


def go_on(lock: int, port: int, supervisor: Supervisor) -> None:
    """Start this program anew in this process, with its children and its lock; returns where that can't be.

    Signals wait meanwhile, until the next Supervisor of this process hears them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    if not supervisor.stop_asked and Path(sys.executable or "/").is_file():
        kept = tuple({name: getattr(child, name) for name in _KEPT} for child in supervisor.children if child.lasting)
        os.set_inheritable(lock, True)
        sys.stdout.flush()
        sys.stderr.flush()
        note = json.dumps(asdict(Note(lock, port, kept)))
        words = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, words, {**os.environ, _NOTE: note})  # noqa: S606 # nosec B606 - no shell
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def taken_over() -> Note | None:
    """What the program before this one in this process left, once."""
    left = os.environ.pop(_NOTE, "")
    return Note(**json.loads(left)) if left else None


def adopted(fields: Mapping[str, Any], work: Callable[[], None]) -> Child:
    """A child of a note, with what it is to do when it is started again."""
    child = Child(fields["name"], work)
    for name in _KEPT:
        setattr(child, name, fields[name])
    return child
