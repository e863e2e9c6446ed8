"""A document's steps in one list, nested ones too, each with its number and what it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

JSON = Mapping[str, Any]
# Of drafts, which may be anything; what can be published has fewer, and less deep.
MOST_STEPS = 500
MOST_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Placed:
    """A step. `number`: 2, or 2.1 within step 2. `own`: without the steps in it. `arm`: the list that it stands in, by
    the id of the step around it and the list's name there; "" for the flow's own. `arms`: conditions of its branches.
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


def listed(document: JSON) -> dict[str, Placed]:
    """Every step by its id, each before those in it; what is no step with an id is left out."""
    placed = _placed(_sound(document.get("steps")), "", "", "", first=1)
    return {one.id: one for one in islice(placed, MOST_STEPS)}


def _placed(steps: list[JSON], before: str, arm: str, arm_name: str, *, first: int) -> Iterator[Placed]:
    for number, step in enumerate(steps, first):
        arms = list(_arms(step)) if before.count(".") < MOST_DEPTH else []
        place = f"{before}{number}"
        name = str(step.get("name") or step["id"])
        own = {key: value for key, value in step.items() if not _holds_steps(value)}
        yield Placed(step["id"], name, place, own, arm, arm_name, _conditions(step))
        inside = 1
        for one in arms:
            where = f"“{name}”" if not one.name else f"“{one.name}” of “{name}”"
            yield from _placed(one.steps, f"{place}.", f"{step['id']} {one.key}", where, first=inside)
            inside += len(one.steps)


def _sound(value: Any) -> list[JSON]:
    return [one for one in value if _is_step(one)] if isinstance(value, list) else []


def _is_step(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and isinstance(value.get("kind"), str)


def _holds_steps(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_step(one) or _is_branch(one) for one in value)


def _is_branch(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("steps"), list)


def _arms(step: JSON) -> Iterator[_Arm]:
    """The lists of steps in a step, whatever its kind calls them: branches with names, or plain lists."""
    for key, value in step.items():
        if not _holds_steps(value):
            continue
        if _is_step(value[0]):
            yield _Arm("" if key == "steps" else key.replace("_", " "), key, _sound(value))
        else:
            for place, branch in enumerate(value):
                name = _branch_name(branch, place)
                yield _Arm(name, name, _sound(branch["steps"]))


def _branch_name(branch: JSON, place: int) -> str:
    return str(branch.get("name") or f"arm {place + 1}")


def _conditions(step: JSON) -> dict[str, Any]:
    """What each branch of a step asks for, by its name."""
    branches = step.get("branches")
    return {
        _branch_name(branch, place): {key: value for key, value in branch.items() if key != "steps"}
        for place, branch in enumerate(branches if isinstance(branches, list) else ())
        if isinstance(branch, dict)
    }


def moved(before: Mapping[str, Placed], after: Mapping[str, Placed]) -> set[str]:
    """The steps of both that stand in another list now, or of which the fewest must have moved within theirs."""
    both = [key for key in after if key in before]
    strayed = {key for key in both if before[key].arm != after[key].arm}
    stayed = sorted((key for key in both if key not in strayed), key=lambda key: after[key].arm)
    rank = {key: place for place, key in enumerate(before)}
    for _, group in groupby(stayed, key=lambda key: after[key].arm):
        keys = list(group)
        strayed.update(set(keys) - _longest_rising(keys, rank))
    return strayed


def _longest_rising(keys: list[str], rank: Mapping[str, int]) -> set[str]:
    """The most keys that stand in the same order as before."""
    chains: list[list[str]] = []
    for key in keys:
        before = [chain for chain in chains if rank[chain[-1]] < rank[key]]
        chains.append([*max(before, key=len, default=[]), key])
    longest: list[str] = max(chains, key=len, default=[])
    return set(longest)
