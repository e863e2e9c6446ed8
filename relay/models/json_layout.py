"""Indents JSON for people, as far as a page can hold the result."""

from __future__ import annotations

from typing import Any

import msgspec

MAX_CHARACTERS = 400_000  # of a text that is indented
# Characters that indentation may add: a short, deeply nested text would grow a thousandfold.
MAX_ADDED_CHARACTERS = 1_000_000
_MAX_DEPTH = 64


def pretty(text: str) -> str:
    """Return JSON with indentation; other text, and JSON that is too long or too deep, unchanged."""
    if len(text) > MAX_CHARACTERS or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        if _added(text) > MAX_ADDED_CHARACTERS:
            return text
        return msgspec.json.format(text.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        return text


def _added(text: str) -> int:
    """Return an upper bound of the characters that indentation adds: a line for each value, indented by its depth."""
    opened = text.count("[") + text.count("{")
    lines = text.count(",") + 2 * opened
    if 2 * lines * min(opened, _MAX_DEPTH) <= MAX_ADDED_CHARACTERS and opened <= _MAX_DEPTH:
        return 0
    level, depth = [msgspec.json.decode(text)], 0
    while level and depth <= _MAX_DEPTH:
        level = [item for container in level for item in _containers_in(container)]
        depth += 1
    return 2 * lines * depth if depth <= _MAX_DEPTH else MAX_ADDED_CHARACTERS + 1


def _containers_in(value: Any) -> list[Any]:
    """Return the lists and objects directly in a list or object."""
    items = value.values() if isinstance(value, dict) else value
    return [item for item in items if isinstance(item, dict | list)]
