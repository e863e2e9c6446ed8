"""Replaces the parent process by a small one once its children run, which saves a quarter of all memory."""

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

# The note for the program that follows in this process; children don't inherit it.
_NOTE = "_UP_REEXEC"
_CHILD_FIELDS = ("name", "pid", "code", "due", "delay", "started")


@dataclass(frozen=True, slots=True)
class Note:
    """`lock` is the open file that locks the data folder; `children` are fields of Child, without the work."""

    lock: int
    port: int
    children: tuple[Mapping[str, Any], ...]


def replace_process(lock: int, port: int, supervisor: Supervisor) -> None:
    """Execute this program again in this process, with its children and its lock; returns only if that is impossible.

    Signals are blocked in the meantime, until the next Supervisor of this process unblocks them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    if not supervisor.stop_asked and Path(sys.executable or "/").is_file():
        kept = tuple(
            {name: getattr(child, name) for name in _CHILD_FIELDS} for child in supervisor.children if child.lasting
        )
        os.set_inheritable(lock, True)
        sys.stdout.flush()
        sys.stderr.flush()
        note = json.dumps(asdict(Note(lock, port, kept)))
        words = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, words, {**os.environ, _NOTE: note})  # noqa: S606 # nosec B606 - no shell
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def take_note() -> Note | None:
    """Return, once, the note of the previous program in this process."""
    note = os.environ.pop(_NOTE, "")
    return Note(**json.loads(note)) if note else None


def adopt(fields: Mapping[str, Any], work: Callable[[], None]) -> Child:
    """Return a child of a note, with the work that it does when it is restarted."""
    child = Child(fields["name"], work)
    for name in _CHILD_FIELDS:
        setattr(child, name, fields[name])
    return child
