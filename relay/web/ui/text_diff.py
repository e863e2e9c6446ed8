"""Compares two texts line by line, within a bound on the work.

It uses the algorithm of Myers, whose cost depends on the number of differences. `difflib` is quadratic in the length
of the texts, and has no bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_CHANGES = 400  # removed and added lines
MAX_COMPARISONS = 500_000  # lines compared to find the changes
CONTEXT_LINES = 2  # unchanged lines shown before and after a change
_MAX_LINE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """Lines with their mark: removed (`-`), added (`+`), unchanged (a space), or "…" for lines left out.

    `note`: why no lines are shown.
    """

    lines: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""


def compare(before: str, after: str) -> Comparison:
    """Return the differences between two texts, with no lines if they are the same."""
    old, new = before.splitlines(), after.splitlines()
    if old == new:
        return Comparison()
    prefix = _common_length(old, new)
    suffix = _common_length(old[prefix:][::-1], new[prefix:][::-1])
    removed, added = old[prefix : len(old) - suffix], new[prefix : len(new) - suffix]
    edits = _edits(removed, added)
    if edits is None:
        return Comparison(note=_too_different(old, new))
    tail = [(" ", line) for line in old[len(old) - suffix :]]
    return Comparison(list(_with_context([*((" ", line) for line in old[:prefix]), *edits, *tail])))


def _too_different(old: list[str], new: list[str]) -> str:
    return (
        f"Too many differences to show line by line: it had {len(old):,} lines and now has {len(new):,}, "
        f"{sum(map(len, old)):,} and {sum(map(len, new)):,} characters."
    )


def _common_length(old: list[str], new: list[str]) -> int:
    """Return how many lines at the start are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(old), len(new)))


def _edits(old: list[str], new: list[str]) -> list[tuple[str, str]] | None:
    """Return the shortest edit script from `old` to `new`, unchanged lines included; None past a limit."""
    reach = _reach(old, new)
    if reach is None:
        return None
    edits: list[tuple[str, str]] = []
    x, y = len(old), len(new)
    for changes in range(len(reach) - 1, -1, -1):
        furthest, diagonal = reach[changes], x - y
        is_added = diagonal == -changes or (diagonal != changes and furthest[diagonal - 1] < furthest[diagonal + 1])
        previous = diagonal + 1 if is_added else diagonal - 1
        from_x = furthest[previous] if changes else 0
        from_y = from_x - previous if changes else 0
        while x > max(from_x, 0) and y > max(from_y, 0):
            x, y = x - 1, y - 1
            edits.append((" ", old[x]))
        if changes:
            edits.append(("+", new[from_y]) if is_added else ("-", old[from_x]))
            x, y = from_x, from_y
    return edits[::-1]


def _reach(old: list[str], new: list[str]) -> list[dict[int, int]] | None:
    """Return, for 0, 1, 2... changes, how far each diagonal reached before that change; None past a limit."""
    numbers: dict[str, int] = {}
    old_numbers = [numbers.setdefault(line, len(numbers)) for line in old]
    new_numbers = [numbers.setdefault(line, len(numbers)) for line in new]
    furthest, reach, budget = {1: 0}, [], MAX_COMPARISONS
    for changes in range(MAX_CHANGES + 1):
        reach.append(dict(furthest))
        for diagonal in range(-changes, changes + 1, 2):
            down = diagonal == -changes or (diagonal != changes and furthest[diagonal - 1] < furthest[diagonal + 1])
            x = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            y, budget = x - diagonal, budget + x
            while x < len(old_numbers) and y < len(new_numbers) and old_numbers[x] == new_numbers[y]:
                x, y = x + 1, y + 1
            furthest[diagonal], budget = x, budget - x
            if x >= len(old_numbers) and y >= len(new_numbers):
                return reach
            if budget < 0:
                return None
    return None


def _with_context(edits: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the changes and the unchanged lines around them, with "…" for gaps."""
    shown = {
        index
        for changed, (mark, _) in enumerate(edits)
        if mark != " "
        for index in range(changed - CONTEXT_LINES, changed + CONTEXT_LINES + 1)
    }
    last = -1
    for index in sorted(index for index in shown if 0 <= index < len(edits)):
        if index != last + 1 and last >= 0:
            yield "…", ""
        mark, line = edits[index]
        yield mark, line if len(line) <= _MAX_LINE_CHARACTERS else line[:_MAX_LINE_CHARACTERS] + "…"
        last = index
