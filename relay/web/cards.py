"""What the cards of steps say of them in a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from relay.conditions import OPERATORS
from relay.flows import nesting
from relay.web import rows


def _rule(step: dict[str, Any]) -> str:
    """`event.body.total is greater than 20`, and how many more."""
    found = rows.flat(step.get("when"))
    if found is None:
        return "A condition of its own"
    _, rules = found
    if not rules or not rules[0].get("left"):
        return "No condition yet"
    first = rules[0]
    left = re.sub(r"^\{\{\s*(.*?)\s*\}\}$", r"\1", rows.shown(first["left"]).strip())
    words = f"{left} {OPERATORS.get(str(first.get('op')), first.get('op'))} {rows.shown(first.get('right'))}".strip()
    return words if len(rules) == 1 else f"{words}, and {len(rules) - 1} more"


def _names(step: dict[str, Any]) -> str:
    values = step.get("values")
    return ", ".join(values) if isinstance(values, dict) and values else "No values yet"


def _branch(step: dict[str, Any]) -> str:
    names = [name for name, block in nesting.inner(step) if block and name not in ("", "error_steps")]
    return ", ".join(names) or "No steps yet"


def _loop(step: dict[str, Any]) -> str:
    count = sum(1 for _ in nesting.every(step.get("steps")))
    return f"{_bare(step.get('over')) or 'No list yet'}: {count} step{'' if count == 1 else 's'}"


def _delay(step: dict[str, Any]) -> str:
    wait = f"until {_bare(step['until'])}" if step.get("until") else _bare(step.get("for")) or "No time yet"
    return f"{wait}, unless another comes with the same {_bare(step['key'])}" if step.get("key") else wait


def _digest(step: dict[str, Any]) -> str:
    parts = [("for", step.get("every")), ("until", step.get("at")), ("up to", step.get("limit"))]
    return ", ".join(f"{word} {_bare(value)}" for word, value in parts if value) or "No window yet"


def _changed(step: dict[str, Any]) -> str:
    return _bare(step.get("value")) or "No value yet"


def _once(step: dict[str, Any]) -> str:
    return _bare(step.get("key")) or "No key yet"


def _respond(step: dict[str, Any]) -> str:
    return f"Status {_bare(step.get('status')) or 200}"


def _bare(value: Any) -> str:
    """A value as a card says it: an expression without its braces."""
    text = rows.shown(value).strip()
    if text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1:
        text = text[2:-2].strip()
    return text if len(text) <= 80 else text[:80] + "…"


SUMMARIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "filter": _rule,
    "set": _names,
    "branch": _branch,
    "loop": _loop,
    "delay": _delay,
    "digest": _digest,
    "changed": _changed,
    "once": _once,
    "respond": _respond,
}
