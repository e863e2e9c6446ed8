"""Finds steps inside steps in stored documents, drafts included, and skips anything malformed.

Every module that looks at the steps of a stored document uses these functions, so that none misses nested steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

JSON = dict[str, Any]


def top(document: Mapping[str, Any]) -> list[JSON]:
    """The steps of the flow itself, without those inside them."""
    return _steps(document.get("steps"))


def all_steps(document: Mapping[str, Any]) -> Iterator[JSON]:
    """Every step of a document, nested ones included, each before those inside it."""
    return (step for step, _ in every(document.get("steps")))


def connections(document: Mapping[str, Any]) -> set[str]:
    """The names of the connections that any step of a document uses."""
    named = (step.get("connection") for step in all_steps(document))
    return {name for name in named if isinstance(name, str) and name}


def actions(document: Mapping[str, Any]) -> list[str]:
    """The actions that the enabled steps of a document call, each once, in order."""
    keys = (step.get("action") for step in enabled(document))
    return list(dict.fromkeys(key for key in keys if isinstance(key, str) and key))


def enabled(document: Mapping[str, Any]) -> Iterator[JSON]:
    """Every step of a document except disabled steps and the steps inside them."""
    return _enabled(top(document))


def _enabled(steps: list[JSON]) -> Iterator[JSON]:
    for step in steps:
        if step.get("disabled") is not True:
            yield step
            for _, block in inner(step):
                yield from _enabled(block)


def inner(step: JSON) -> Iterator[tuple[str, list[JSON]]]:
    """Yields the lists of steps in a step with their names: that of an arm, `else`, `error_steps`, or ""."""
    for number, arm in enumerate(arms(step), 1):
        if isinstance(arm, dict):
            yield str(arm.get("name") or f"path {number}"), _steps(arm.get("steps"))
    yield "else", _steps(step.get("else"))
    yield "", _steps(step.get("steps"))
    yield "error_steps", _steps(step.get("error_steps"))


def path_count(document: Mapping[str, Any]) -> int:
    """How many paths the branches of a document have."""
    return sum(len(arms(step)) for step in all_steps(document))


def arms(step: JSON) -> list[Any]:
    """The arms of a branch, as the document has them; [] for a step without any."""
    found = step.get("branches")
    return found if isinstance(found, list) else []


def every(steps: Any, depth: int = 0) -> Iterator[tuple[JSON, int]]:
    """Yields all steps of a list with their depth, each before the steps inside it."""
    for step in _steps(steps):
        yield step, depth
        for _, block in inner(step):
            yield from every(block, depth + 1)


def base(entry_id: str) -> str:
    """The id of the step to which an entry of a trail belongs: `tell` for `tell[2][0]` and `tell[2].find`."""
    return entry_id.partition("[")[0].partition(".")[0]


def action_entry(entry_id: str) -> str:
    """The id of the action's entry to which a call's entry or attempt belongs: `tell[2]` for `tell[2].find`."""
    return entry_id.partition(".")[0]


def call_key(entry_id: str) -> str:
    """The key of the call to which an entry or attempt belongs, "" if it is the action's own."""
    return entry_id.partition(".")[2]


def _steps(value: Any) -> list[JSON]:
    if not isinstance(value, list):
        return []
    return [step for step in value if isinstance(step, dict) and isinstance(step.get("id"), str)]
