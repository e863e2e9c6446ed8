"""Steps inside of steps, in documents as they are stored: drafts too, so whatever may be odd is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

JSON = dict[str, Any]


def inner(step: JSON) -> Iterator[tuple[str, list[JSON]]]:
    """The lists of steps in a step, each with what it is called: an arm's name, `else`, `error_steps`, or nothing."""
    arms = step.get("branches")
    for number, arm in enumerate(arms if isinstance(arms, list) else (), 1):
        if isinstance(arm, dict):
            yield str(arm.get("name") or f"arm {number}"), _steps(arm.get("steps"))
    yield "else", _steps(step.get("else"))
    yield "", _steps(step.get("steps"))
    yield "error_steps", _steps(step.get("error_steps"))


def every(steps: Any, depth: int = 0) -> Iterator[tuple[JSON, int]]:
    """All steps of a list, each before those inside of it, and how deep it is."""
    for step in _steps(steps):
        yield step, depth
        for _, block in inner(step):
            yield from every(block, depth + 1)


def base(entry_id: str) -> str:
    """The id of the step that an entry of a trail is of: `tell` of `tell[2][0]`."""
    return entry_id.partition("[")[0]


def _steps(value: Any) -> list[JSON]:
    if not isinstance(value, list):
        return []
    return [step for step in value if isinstance(step, dict) and isinstance(step.get("id"), str)]
