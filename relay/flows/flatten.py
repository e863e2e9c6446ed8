"""Lists the steps of a document, nested ones included, with their numbers and the lists they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

JSON = Mapping[str, Any]
# Limits for drafts, which are not validated; a flow that can be published has fewer steps.
MAX_STEPS = 500
MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class NumberedStep:
    """A step with its place. `number`: 2, or 2.1 within step 2. `own`: the step without its nested steps.

    `arm`: the list that holds it, as the id of the parent step and the name of the list; "" for the flow's own list.
    `arms`: the conditions of its branches.
    """

    id: str
    name: str
    number: str
    own: dict[str, Any]
    arm: str = ""
    arm_name: str = ""
    arms: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Arm:
    name: str
    key: str
    steps: list[JSON]


def number_steps(document: JSON) -> dict[str, NumberedStep]:
    """Every step by its id, each before its nested steps; anything that is not a step with an id is left out."""
    steps = _numbered(_steps_in(document.get("steps")), "", "", "", first=1)
    return {step.id: step for step in islice(steps, MAX_STEPS)}


def _numbered(steps: list[JSON], prefix: str, arm: str, arm_name: str, *, first: int) -> Iterator[NumberedStep]:
    for number, step in enumerate(steps, first):
        arms = list(_arms(step)) if prefix.count(".") < MAX_DEPTH else []
        label = f"{prefix}{number}"
        name = str(step.get("name") or step["id"])
        own = {key: value for key, value in step.items() if not _holds_steps(value)}
        yield NumberedStep(step["id"], name, label, own, arm, arm_name, _conditions(step))
        next_number = 1
        for nested in arms:
            described = f"“{name}”" if not nested.name else f"“{nested.name}” of “{name}”"
            yield from _numbered(nested.steps, f"{label}.", f"{step['id']} {nested.key}", described, first=next_number)
            next_number += len(nested.steps)


def _steps_in(value: Any) -> list[JSON]:
    return [item for item in value if _is_step(item)] if isinstance(value, list) else []


def _is_step(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and isinstance(value.get("kind"), str)


def _holds_steps(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_step(item) or _is_branch(item) for item in value)


def _is_branch(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("steps"), list)


def _arms(step: JSON) -> Iterator[_Arm]:
    """Yields the lists of steps in a step, under any key: branches with names, or plain lists."""
    for key, value in step.items():
        if not _holds_steps(value):
            continue
        if _is_step(value[0]):
            yield _Arm("" if key == "steps" else key.replace("_", " "), key, _steps_in(value))
        else:
            for index, branch in enumerate(value):
                name = _branch_name(branch, index)
                yield _Arm(name, name, _steps_in(branch["steps"]))


def _branch_name(branch: JSON, index: int) -> str:
    return str(branch.get("name") or f"path {index + 1}")


def _conditions(step: JSON) -> dict[str, Any]:
    """The condition and other keys of each branch of a step, by its name."""
    branches = step.get("branches")
    return {
        _branch_name(branch, index): {key: value for key, value in branch.items() if key != "steps"}
        for index, branch in enumerate(branches if isinstance(branches, list) else ())
        if isinstance(branch, dict)
    }


def moved_ids(before: Mapping[str, NumberedStep], after: Mapping[str, NumberedStep]) -> set[str]:
    """The ids of steps in both documents that changed their list, or their place within it.

    Within a list, the smallest possible number of steps counts as moved.
    """
    both = [key for key in after if key in before]
    changed = {key for key in both if before[key].arm != after[key].arm}
    kept = sorted((key for key in both if key not in changed), key=lambda key: after[key].arm)
    rank = {key: index for index, key in enumerate(before)}
    for _, group in groupby(kept, key=lambda key: after[key].arm):
        keys = list(group)
        changed.update(set(keys) - _longest_ordered(keys, rank))
    return changed


def _longest_ordered(keys: list[str], rank: Mapping[str, int]) -> set[str]:
    """The longest subset of keys that are in the same order as before."""
    chains: list[list[str]] = []
    for key in keys:
        shorter = [chain for chain in chains if rank[chain[-1]] < rank[key]]
        chains.append([*max(shorter, key=len, default=[]), key])
    longest: list[str] = max(chains, key=len, default=[])
    return set(longest)
