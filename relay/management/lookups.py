"""Finds the workspace, flow, run, issue or batch that an argument names, and reads files and standard input."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any

from relay import ids
from relay.bodies import numerals
from relay.errors import RelayError
from relay.models import Batch, Flow, Issue, Run, Workspace

_MAX_INPUT_BYTES = 2_000_000


def workspace(name: str | None) -> Workspace:
    """Return the workspace with that name, or the first one; raises RelayError if there is none."""
    workspaces = Workspace.objects.order_by("pk")
    if name is not None:
        workspaces = workspaces.filter(name=name)
    first = workspaces.first()
    if first is None and name is not None:
        raise RelayError(f"There is no workspace called {name}.")
    if first is None:
        raise RelayError("There is no workspace yet: create the first account with `relay user add EMAIL`.")
    return first


def flow(word: str) -> Flow:
    """Return the flow with that id, or else with exactly that name; raises RelayError for none or several."""
    number = ids.row(word)
    by_id = Flow.objects.filter(pk=number).first() if number is not None else None
    if by_id is not None:
        return by_id
    named = list(Flow.objects.filter(name=word).order_by("pk")[:10])
    if not named:
        raise RelayError(f"There is no flow with the id or name {word}. `relay flows` lists them.")
    if len(named) > 1:
        numbers = ", ".join(str(flow.pk) for flow in named)
        raise RelayError(f"Several flows are called {word}; name one by its id: {numbers}.")
    return named[0]


def run(word: str) -> Run:
    """Return the run with that reference; raises RelayError if there is none."""
    number = ids.number(word.strip().lower())
    row = Run.objects.filter(pk=number).first() if number is not None else None
    if row is None:
        raise RelayError(f"There is no run {word}. `relay runs` lists them.")
    return row


def issue(word: str) -> Issue:
    """Return the issue with that reference; raises RelayError if there is none."""
    number = ids.number(word.strip().lower())
    related = Issue.objects.select_related("flow", "workspace")
    row = related.filter(pk=number).first() if number is not None else None
    if row is None:
        raise RelayError(f"There is no issue {word}. `relay issues` lists them.")
    return row


def batch(word: str) -> Batch | None:
    """Return the bulk replay with that number; None if the word can only be a run's reference."""
    number = ids.row(word)
    if number is None or len(word) == len(ids.text(0)):
        return None
    row = Batch.objects.filter(pk=number).select_related("workspace").first()
    if row is None:
        raise RelayError(f"There is no batch {word}. `relay batches` lists them.")
    return row


def content(file: str) -> bytes:
    """Return the bytes of a file, or of standard input for `-`."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise RelayError(f"{file} can't be read: {error.strerror}.") from error


def event(file: str) -> Any:
    """Return the event in a file, or on standard input for `-`, as a JSON value."""
    try:
        return numerals.loads(content(file))
    except (ValueError, RecursionError):
        raise RelayError(f"{file} is not JSON.") from None


def json_object() -> dict[str, Any]:
    """Return the JSON object on standard input; raises RelayError for anything else."""
    try:
        value = json.loads(sys.stdin.buffer.read(_MAX_INPUT_BYTES))
    except (ValueError, RecursionError):
        raise RelayError('Standard input must hold a JSON object, such as {"field": "value"}.') from None
    if not isinstance(value, dict):
        raise RelayError('Standard input must hold a JSON object, such as {"field": "value"}.')
    return value


def password() -> str:
    """Return the first line of standard input; prompts for it on a terminal."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    typed = sys.stdin.buffer.readline().rstrip(b"\r\n")
    try:
        line = typed.decode()
    except UnicodeDecodeError:  # typed in a terminal that isn't UTF-8
        line = typed.decode(sys.stdin.encoding, "replace")
    if not line:
        raise RelayError("Standard input must hold the password, on one line.")
    return line
