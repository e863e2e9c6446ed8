"""Explains why a rule that compares numbers never holds for an event, and names the filter that reads the number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from relay.conditions.operators import NUMERIC, as_amount
from relay.templating import JSON

_MAX_SHOWN = 40  # characters of a value


def not_numbers(condition: JSON, texts: Mapping[str, str]) -> Iterator[str]:
    """Yields why rules of greater and less never hold, for each side whose text (in `texts`, by path) is no number."""
    for path in _numeric_rules(condition, ""):
        for side in ("left", "right"):
            text = texts.get(f"{path}.{side}" if path else side)
            if text is not None and as_amount(text) is None:
                yield _hint(text)


def _numeric_rules(condition: JSON, path: str) -> Iterator[str]:
    """Yields the paths of all rules that compare numbers, such as `all[0]`."""
    if not isinstance(condition, dict):
        return
    if condition.get("op") in NUMERIC:
        yield path
    start = f"{path}." if path else ""
    for name in ("all", "any"):
        parts = condition.get(name)
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            yield from _numeric_rules(part, f"{start}{name}[{index}]")
    yield from _numeric_rules(condition.get("not"), f"{start}not")


def _hint(text: str) -> str:
    shown = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    if any(letter.isdigit() for letter in text) and text[:1] not in ("[", "{"):
        return f"“{shown}” is text, so it is neither greater nor less than a number: {_reader(text)}"
    return f"“{shown}” is not a number."


def _reader(text: str) -> str:
    """The filter that reads a number: a comma separates decimals, or thousands in English."""
    marks, last_part = re.sub("[^.,]", "", text), re.split("[.,]", text)[-1]
    if marks == "," and sum(letter.isdigit() for letter in last_part) == 3:
        return "| parse_number takes its comma for one of thousands, | parse_number('de') for one of decimals"
    is_continental = marks.endswith(".,") or marks == "," or (len(marks) > 1 and set(marks) == {"."})
    return "| parse_number('de') reads it" if is_continental else "| parse_number reads it"
