"""Adds, moves, copies and removes steps and paths in the document of a draft, at any depth."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from relay.errors import RelayError
from relay.flows import limits, nesting
from relay.web.editor import draft_edits, simple_forms
from relay.web.editor.steps import pieces, places
from relay.web.editor.steps.places import Position

STEP_TYPES = ("filter", "set", "action", *simple_forms.NEW_STEPS)
MAX_PATHS = 50
JSON = dict[str, Any]


def add(document: JSON, kind: str, *, place: str) -> str:
    """Insert a new step at a place (see `places.resolve`), and return its id."""
    step: JSON = {"id": draft_edits.unused_id(document, kind), "kind": kind}
    if kind == "filter":
        step["when"] = _blank_condition()
    elif kind == "set":
        step["values"] = {}
    elif kind == "branch":
        step["branches"] = [_new_path([])]
    else:
        step.update(copy.deepcopy(simple_forms.NEW_STEPS.get(kind, {})))
    insert(document, [step], place=place)
    return str(step["id"])


def insert(document: JSON, steps: Sequence[JSON], *, place: str) -> None:
    """Insert steps at a place. RelayError if it is too deep for them, or if the flow has too many steps."""
    check_count(document, steps)
    position = places.resolve(document, place)
    _check_fits(position, steps)
    position.list.steps[position.index : position.index] = steps
    _use(position)


def check_count(document: JSON, added: Sequence[JSON]) -> None:
    """Refuse more steps than a flow may have."""
    if sum(1 for _ in [*nesting.all_steps(document), *nesting.every(list(added))]) > limits.MAX_STEPS:
        raise RelayError(f"A flow may have {limits.MAX_STEPS} steps. Split it into two flows: one can call the other.")


def _use(position: Position) -> None:
    """Let a step run the steps for its failure, if one was put there."""
    holder = position.list.holder
    if holder is not None and position.list.address.endswith(f":{places.FAILURE}"):
        holder["on_error"] = "branch"


def _check_fits(position: Position, steps: Sequence[JSON]) -> None:
    """Refuse steps that would be nested too deeply, or that can't be in a loop."""
    inside = position.list
    for step in steps:
        if inside.depth + places.height(step) > limits.MAX_DEPTH:
            raise RelayError(f"Steps can be nested {limits.MAX_DEPTH} levels deep. Choose a place that is less deep.")
        if inside.loops + _loops_in(step) > limits.MAX_NESTED_LOOPS:
            raise RelayError(
                f"Loops can be nested {limits.MAX_NESTED_LOOPS} deep. Choose a place outside of the loops."
            )
        if inside.loops and any(one.get("kind") == "digest" for one, _ in nesting.every([step])):
            raise RelayError("A digest collects whole runs, so it can't be inside a loop")


def _loops_in(step: JSON) -> int:
    deepest = max((_loops_in(inner) for _, steps in places.inner_lists(step) for inner in steps), default=0)
    return deepest + (step.get("kind") == "loop")


def move(document: JSON, step_id: str, *, place: str) -> None:
    """Move a step to a place. RelayError if it can't be there."""
    step = places.find_step(document, step_id)
    target = places.resolve(document, place)
    source = places.position_of(document, step_id)
    if step is None or source is None:
        raise RelayError(places.GONE)
    if any(target.list.steps is steps for steps in _lists_in(step)):
        raise RelayError("A step can't be moved into itself")
    _check_fits(target, [step])
    is_later = target.list.steps is source.list.steps and target.index > source.index
    del source.list.steps[source.index]
    target.list.steps.insert(target.index - is_later, step)
    _use(target)


def _lists_in(step: JSON) -> list[list[JSON]]:
    return [inner.steps for inner in places.step_lists({"steps": [step]})][1:]


def shift(document: JSON, address: str, *, by: int) -> None:
    """Move a step or a path within its list; at the end of the list it stays."""
    siblings, index = _place_in_list(document, address)
    if 0 <= index + by < len(siblings):
        siblings.insert(index + by, siblings.pop(index))


def _place_in_list(document: JSON, address: str) -> tuple[list[JSON], int]:
    """Return the list that a step or a path is in, and its index."""
    step = places.position_of(document, address)
    if step is not None:
        return step.list.steps, step.index
    path = places.find_path(document, address)
    if path is None:
        raise RelayError(places.GONE)
    return path.paths, path.index


def move_out(document: JSON, step_id: str) -> None:
    """Move a step out of its group: after the step that holds the group."""
    found = places.position_of(document, step_id)
    if found is None or found.list.holder is None:
        raise RelayError("This step isn't in a group")
    move(document, step_id, place=found.list.holder["id"])


def move_in(document: JSON, step_id: str) -> None:
    """Move a step into the group above it, as its last step."""
    found = places.position_of(document, step_id)
    above = found.list.steps[found.index - 1] if found and found.index else {}
    groups = [f"{above['id']}:{key}" for key, _ in places.inner_lists(above)] if above else []
    if not groups:
        raise RelayError("There is no group above this step")
    target = places.resolve(document, groups[-1])
    last = target.list.steps[-1]["id"] if target.list.steps else groups[-1]
    move(document, step_id, place=last)


def duplicate(document: JSON, address: str) -> str:
    """Insert a copy after a step or a path, and return its address."""
    siblings, index = _place_in_list(document, address)
    duplicated = copy.deepcopy(siblings[index])
    if places.find_step(document, address) is None:
        check_count(document, duplicated.get("steps") or [])
        _check_path_count(siblings)
        duplicated["name"] = _unused_name(siblings, str(duplicated.get("name") or "Path"))
        pieces.rename(document, duplicated.get("steps") or [])
        siblings.insert(index + 1, duplicated)
        return f"{address.rpartition(':')[0]}:{index + 2}"
    check_count(document, [duplicated])
    pieces.rename(document, [duplicated])
    siblings.insert(index + 1, duplicated)
    return str(duplicated["id"])


def toggle(document: JSON, step_id: str) -> None:
    """Disable a step, or enable a disabled one."""
    step = places.find_step(document, step_id)
    if step is not None and not step.pop("disabled", False):
        step["disabled"] = True


def remove(document: JSON, address: str) -> str:
    """Remove a step or a path, and return the address of the card to open next."""
    siblings, index = _place_in_list(document, address)
    is_path = places.find_step(document, address) is None
    position = places.position_of(document, address)
    holder = position.list.holder if position else None
    del siblings[index]
    if is_path:
        return address.rpartition(":")[0]
    if siblings:
        return str(siblings[min(index, len(siblings) - 1)]["id"])
    return str(holder["id"]) if holder else places.START


def add_path(document: JSON, branch_id: str) -> str:
    """Add a path to a branch, before *Otherwise*, and return its address."""
    branch = places.find_step(document, branch_id)
    if branch is None or branch.get("kind") != "branch":
        raise RelayError(places.GONE)
    if not isinstance(branch.setdefault("branches", []), list):
        raise RelayError("The paths of this branch can't be read. Edit the step as text.")
    paths = branch["branches"]
    _check_path_count(paths)
    paths.append(_new_path(paths))
    return f"{branch_id}:{len(paths)}"


def _check_path_count(paths: list[JSON]) -> None:
    if len(paths) >= MAX_PATHS:
        raise RelayError(f"A branch may have {MAX_PATHS} paths here")


def _new_path(paths: list[JSON]) -> JSON:
    return {"name": _unused_name(paths, f"Path {len(paths) + 1}"), "when": _blank_condition(), "steps": []}


def _unused_name(paths: list[JSON], stem: str) -> str:
    taken = {path.get("name") for path in paths}
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem} ({number})"
    return name


def _blank_condition() -> JSON:
    return {"all": [{"left": "", "op": "equals", "right": ""}]}


def add_failure_steps(document: JSON, step_id: str) -> None:
    """Let a step run other steps when it has failed."""
    step = places.find_step(document, step_id)
    if step is None or places.FAILURE not in places.possible_lists(step):
        raise RelayError(places.GONE)
    step["on_error"] = "branch"
    step.setdefault(places.FAILURE, [])


def remove_failure_steps(document: JSON, step_id: str) -> None:
    """Remove the steps that run when a step has failed: a failure then stops the run."""
    step = places.find_step(document, step_id)
    if step is None:
        raise RelayError(places.GONE)
    step.pop(places.FAILURE, None)
    if step.get("on_error") == "branch":
        del step["on_error"]
