"""Finds which steps a run may have done when it reaches a step of a draft, and the loops around that step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from relay.flows import nesting

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EnteredLoop:
    """A loop around a step. `position`: how many of the steps before it are walked when the loop is entered."""

    position: int
    step: JSON


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What surrounds a step. `before`: the steps that a run may have done before it, in order, without other paths.

    Steps inside a finished loop are left out, because their outputs are lists. `failed`: the ids of the steps
    whose error steps the step is among.
    """

    step: JSON
    before: tuple[JSON, ...] = ()
    loops: tuple[EnteredLoop, ...] = ()
    failed: tuple[str, ...] = ()


def find(document: Mapping[str, Any], step_id: str) -> Surroundings | None:
    """Return the surroundings of a step, or None if there is no such step."""
    return _search(nesting.top(document), step_id, Surroundings({}))


def _search(steps: list[JSON], step_id: str, around: Surroundings) -> Surroundings | None:
    for step in steps:
        if step["id"] == step_id:
            return replace(around, step=step)
        for name, block in nesting.inner(step):
            if any(inner["id"] == step_id for inner, _ in nesting.every(block)):
                return _search(block, step_id, _inside(around, step, name))
        around = replace(around, before=(*around.before, step, *_done_inside(step)))
    return None


def _inside(around: Surroundings, step: JSON, name: str) -> Surroundings:
    """Return what surrounds the steps of a list in `step`."""
    before = (*around.before, step)
    if step.get("kind") == "loop":
        around = replace(around, loops=(*around.loops, EnteredLoop(len(before), step)))
        if name == "error_steps":
            before = (*before, *_done_in([block for key, block in nesting.inner(step) if not key]))
    if name == "error_steps":
        around = replace(around, failed=(*around.failed, step["id"]))
    return replace(around, before=before)


def _done_inside(step: JSON) -> tuple[JSON, ...]:
    """Return the steps inside a step that was walked, whichever of its paths was taken."""
    if step.get("kind") == "loop":
        return ()
    return _done_in([block for _, block in nesting.inner(step)])


def _done_in(blocks: list[list[JSON]]) -> tuple[JSON, ...]:
    return tuple(done for block in blocks for step in block for done in (step, *_done_inside(step)))
