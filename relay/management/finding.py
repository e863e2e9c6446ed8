"""Which workspace, flow, run or batch a command line means, and what it was given on standard input."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any

from relay import ids
from relay.errors import RelayError
from relay.models import Batch, Flow, Issue, Run, Workspace

_INPUT_LIMIT = 2_000_000


def workspace(name: str | None) -> Workspace:
    """The workspace of that name, or the first one; RelayError where there is none."""
    found = Workspace.objects.order_by("pk")
    if name is not None:
        found = found.filter(name=name)
    first = found.first()
    if first is None and name is not None:
        raise RelayError(f"There is no workspace called {name}.")
    if first is None:
        raise RelayError("There is no workspace yet: make the first account with `relay user add EMAIL`.")
    return first


def flow(word: str) -> Flow:
    """The flow with that id, else the one with exactly that name; RelayError where that is none or many."""
    number = ids.row(word)
    by_id = Flow.objects.filter(pk=number).first() if number is not None else None
    if by_id is not None:
        return by_id
    named = list(Flow.objects.filter(name=word).order_by("pk")[:10])
    if not named:
        raise RelayError(f"There is no flow with the id or name {word}. `relay flows` lists them.")
    if len(named) > 1:
        many = ", ".join(str(flow.pk) for flow in named)
        raise RelayError(f"Several flows are called {word}; name one by its id: {many}.")
    return named[0]


def run(word: str) -> Run:
    """The run of that reference; RelayError where there is none."""
    number = ids.number(word.strip().lower())
    found = Run.objects.filter(pk=number).first() if number is not None else None
    if found is None:
        raise RelayError(f"There is no run {word}. `relay runs` lists them.")
    return found


def issue(word: str) -> Issue:
    """The issue of that reference; RelayError where there is none."""
    number = ids.number(word.strip().lower())
    related = Issue.objects.select_related("flow", "workspace")
    found = related.filter(pk=number).first() if number is not None else None
    if found is None:
        raise RelayError(f"There is no issue {word}. `relay issues` lists them.")
    return found


def batch(word: str) -> Batch | None:
    """The replay of many of that number; None where the word can only be a run's reference."""
    number = ids.row(word)
    if number is None or len(word) == len(ids.text(0)):
        return None
    found = Batch.objects.filter(pk=number).select_related("workspace").first()
    if found is None:
        raise RelayError(f"There is no batch {word}. `relay batches` lists them.")
    return found


def content(file: str) -> bytes:
    """What a file holds, or standard input for `-`."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise RelayError(f"{file} can't be read: {error.strerror}.") from error


def event(file: str) -> Any:
    """The JSON value in a file, or on standard input for `-`, that is to be an event."""
    try:
        return json.loads(content(file))
    except (ValueError, RecursionError):
        raise RelayError(f"{file} is not JSON.") from None


def json_object() -> dict[str, Any]:
    """The JSON object on standard input; RelayError where it is none."""
    try:
        value = json.loads(sys.stdin.buffer.read(_INPUT_LIMIT))
    except (ValueError, RecursionError):
        raise RelayError('Standard input must hold a JSON object, such as {"field": "value"}.') from None
    if not isinstance(value, dict):
        raise RelayError('Standard input must hold a JSON object, such as {"field": "value"}.')
    return value


def password() -> str:
    """The first line of standard input; asked for where that is a terminal."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise RelayError("Standard input must hold the password, on one line.")
    return line
