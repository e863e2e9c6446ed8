"""Finds steps, paths and lists of steps in the document of a draft, by the addresses that the editor uses.

The address of a step is its id. That of a list inside it adds the name of the list: `route:1` is the first path of the
branch `route`, `route:else` its steps for other events, and `each:steps` and `tell:error_steps` lists of other steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from relay.errors import RelayError
from relay.flows import nesting

JSON = dict[str, Any]
START = "trigger"  # the place before the first step of the flow
OTHERWISE, ELEMENTS, FAILURE = "else", "steps", "error_steps"
_LIST_KEYS = (OTHERWISE, ELEMENTS, FAILURE)
GONE = "This place isn't in the flow any more. Load the page again."


@dataclass(frozen=True, slots=True)
class StepList:
    """A list of steps. `holder`: the step that it is in. `depth`: of nesting, 0 for the flow's own list.

    `loops`: the number of loops around it.
    """

    address: str
    steps: list[JSON]
    holder: JSON | None = None
    depth: int = 0
    loops: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """A place between the steps of a list, before the step with this index."""

    list: StepList
    index: int


@dataclass(frozen=True, slots=True)
class Path:
    """A path of a branch."""

    branch: JSON
    paths: list[JSON]
    index: int

    @property
    def own(self) -> JSON:
        return self.paths[self.index]


def step_lists(document: JSON) -> Iterator[StepList]:
    """Yield every list of steps, each before those inside its steps."""
    return _lists(StepList("", document["steps"]))


def _lists(outer: StepList) -> Iterator[StepList]:
    yield outer
    for step in outer.steps:
        loops = outer.loops + (step.get("kind") == "loop")
        for key, steps in inner_lists(step):
            yield from _lists(StepList(f"{step['id']}:{key}", steps, step, outer.depth + 1, loops))


def inner_lists(step: JSON) -> Iterator[tuple[str, list[JSON]]]:
    """Yield the lists in a step, with the number of their path or their name."""
    for number, path in enumerate(nesting.arms(step), 1):
        if isinstance(path.get("steps"), list):
            yield str(number), path["steps"]
    for key in _LIST_KEYS:
        if isinstance(step.get(key), list):
            yield key, step[key]


def position_of(document: JSON, step_id: str) -> Position | None:
    """Return where a step is, or None if there is no such step."""
    for steps in step_lists(document):
        for index, step in enumerate(steps.steps):
            if step["id"] == step_id:
                return Position(steps, index)
    return None


def find_step(document: JSON, step_id: str) -> JSON | None:
    """Return a step, or None."""
    found = position_of(document, step_id)
    return found.list.steps[found.index] if found else None


def path_of(document: JSON, step_id: str) -> str:
    """Return the path of a step in the document, such as `steps[0].branches[1].steps[2]`; "" if it isn't there."""
    position = position_of(document, step_id)
    if position is None:
        return ""
    own = f"[{position.index}]"
    if position.list.holder is None:
        return f"steps{own}"
    key = position.list.address.rpartition(":")[2]
    name = f"branches[{int(key) - 1}].steps" if key.isdigit() else key
    return f"{path_of(document, position.list.holder['id'])}.{name}{own}"


def find_path(document: JSON, address: str) -> Path | None:
    """Return the path at an address such as `route:2`, or None."""
    step_id, _, number = address.rpartition(":")
    branch = find_step(document, step_id) if number.isascii() and number.isdigit() else None
    paths = nesting.arms(branch) if branch is not None else []
    index = int(number[:6]) - 1 if branch is not None else -1
    return Path(branch, paths, index) if branch is not None and 0 <= index < len(paths) else None


def condition_holder(document: JSON, address: str) -> JSON | None:
    """Return the step or the path at an address, whichever has the condition."""
    path = find_path(document, address)
    return find_step(document, address) or (path.own if path else None)


def resolve(document: JSON, place: str) -> Position:
    """Return a place: `trigger`, the id of the step after which it is, or the address of the list that it begins.

    A list that a step may have and doesn't have yet is made. RelayError if there is no such place.
    """
    if place == START:
        return Position(StepList("", document["steps"]), 0)
    found = position_of(document, place)
    if found is not None:
        return Position(found.list, found.index + 1)
    _make_list(document, place)
    steps = next((steps for steps in step_lists(document) if steps.address == place and place), None)
    if steps is None:
        raise RelayError(GONE)
    return Position(steps, 0)


def _make_list(document: JSON, address: str) -> None:
    step_id, _, key = address.rpartition(":")
    step = find_step(document, step_id)
    path = find_path(document, address)
    if path is not None:
        path.own.setdefault("steps", [])
    elif step is not None and key in possible_lists(step):
        step.setdefault(key, [])


def possible_lists(step: JSON) -> tuple[str, ...]:
    """Return the names of the lists that a step of this kind may have, apart from the paths of a branch."""
    match step.get("kind"):
        case "branch":
            return (OTHERWISE,)
        case "loop":
            return (ELEMENTS, FAILURE)
        case "action":
            return (FAILURE,)
    return ()


def height(step: JSON) -> int:
    """Return how many levels of steps are inside a step."""
    return max((depth for _, depth in nesting.every([step])), default=0)
