"""Defines the entries of a trail, and reads stored ones."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.bodies import numerals


class TrailEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step that is done, or has decided something, as it is stored in a run. Fields with their default are left out.

    `id`: unique in the run, the step's id, and in loops the indexes of the elements: `send[2]`, `send[2][0]`.
    `outputs`: None if the step gives none, or if they are not stored. `error`: why it failed. `origin`, stored as
    `from`: the run that walked the step, in a replay. `by_hand`: a person said that it was done. `into`: the run with
    the items that a digest gathers.

    An action's calls have entries of the kind `call`, whose id is the action's with the key of the call:
    `send[2].find`. Their state is `succeeded` or `skipped`, and their outputs are what templates see as `calls.find`.
    `repeatable`: whether the call may be made again.

    The walk alone uses the rest. `taken`: the indexes of a branch's arms. `items`: the elements of a loop. `since`: the
    start of a wait for a duration, in microseconds since 1970. `kept`: bytes that are stored of its attempts. `files`:
    the ids of the files that it fetched. `spent`:
    the milliseconds of the turn that ended after it. `inputs` and `request`: of an action in a dry run.
    """

    id: str
    kind: str
    state: str
    origin: str = msgspec.field(default="", name="from")
    taken: list[int] | None = None
    items: list[Any] | None = None
    since: int | None = None
    kept: int = 0
    files: list[int] | None = None
    spent: int = 0
    into: str = ""
    by_hand: bool = False
    repeatable: bool = True
    inputs: Any = None
    request: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    error: str = ""


_decode = numerals.decoder(list[TrailEntry])


def decode(text: str | None) -> list[TrailEntry]:
    """Read a stored trail; [] if there is none yet. Raises msgspec.DecodeError."""
    return _decode(text) if text else []
