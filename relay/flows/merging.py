"""Merges two edits of the same JSON value into one, and reports the places where they conflict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class _Missing:
    """The value of a key that one side doesn't have."""

    def __repr__(self) -> str:
        return "(missing)"


_MISSING: Any = _Missing()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that both edits changed. `path` consists of keys and indexes; a removed value is None."""

    path: tuple[str | int, ...]
    mine: Any
    theirs: Any


def merge(base: Any, mine: Any, theirs: Any) -> tuple[Any, list[Conflict]]:
    """The value with both edits of `base`, and the conflicts, in which `mine` wins.

    Objects merge key by key, lists of steps by the steps' ids, other lists of equal length element by element;
    everything else is one value.
    """
    conflicts: list[Conflict] = []
    merged = _merge(base, mine, theirs, (), conflicts)
    return merged, conflicts


def _merge(base: Any, mine: Any, theirs: Any, path: tuple[str | int, ...], conflicts: list[Conflict]) -> Any:
    if _same(mine, theirs) or _same(base, theirs):
        return mine
    if _same(base, mine):
        return theirs
    if isinstance(base, dict) and isinstance(mine, dict) and isinstance(theirs, dict):
        return _merge_objects(base, mine, theirs, path, conflicts)
    if isinstance(base, list) and isinstance(mine, list) and isinstance(theirs, list):
        if _has_ids(base) and _has_ids(mine) and _has_ids(theirs):
            return _merge_steps(base, mine, theirs, path, conflicts)
        if len(base) == len(mine) == len(theirs):
            sides = zip(base, mine, theirs, strict=True)
            return [_merge(*side, (*path, index), conflicts) for index, side in enumerate(sides)]
    conflicts.append(Conflict(path, _plain(mine), _plain(theirs)))
    return mine


def _merge_objects(
    base: dict[str, Any],
    mine: dict[str, Any],
    theirs: dict[str, Any],
    path: tuple[str | int, ...],
    conflicts: list[Conflict],
) -> dict[str, Any]:
    merged = {}
    for key in dict.fromkeys([*theirs, *mine]):
        old, my_value, their_value = (side.get(key, _MISSING) for side in (base, mine, theirs))
        value = _merge(old, my_value, their_value, (*path, key), conflicts)
        if value is not _MISSING:
            merged[key] = value
    return merged


def _has_ids(value: list[Any]) -> bool:
    """Whether a list holds steps: objects with unique ids."""
    ids = [item.get("id") if isinstance(item, dict) else None for item in value]
    return all(isinstance(item, str) for item in ids) and len(set(ids)) == len(ids)


def _merge_steps(
    base: list[Any], mine: list[Any], theirs: list[Any], path: tuple[str | int, ...], conflicts: list[Conflict]
) -> list[Any]:
    """The steps in the order of the side that changed it; steps that the other side added follow their neighbour."""
    old_steps, my_steps, their_steps = ({step["id"]: step for step in side} for side in (base, mine, theirs))
    merged = _merge_objects(old_steps, my_steps, their_steps, path, conflicts)
    order, rest = (my_steps, their_steps) if list(my_steps) != list(old_steps) else (their_steps, my_steps)
    following: dict[str | None, str | None] = {}
    kept = [None, *(step for step in order if step in merged)]
    following.update(zip(kept, [*kept[1:], None], strict=True))
    for previous, step in zip([None, *rest], rest, strict=False):
        if step in merged and step not in following:
            predecessor = previous if previous in following else None
            following[step], following[predecessor] = following[predecessor], step
    return [merged[step] for step in _chain(following)]


def _chain(following: dict[str | None, str | None]) -> Iterator[str]:
    """Yields the ids in order, each followed by the id to which it maps."""
    step_id = following[None]
    while step_id is not None:
        yield step_id
        step_id = following[step_id]


def _same(left: Any, right: Any) -> bool:
    """Whether two values are equal as JSON, where true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _plain(value: Any) -> Any:
    return None if value is _MISSING else value
