"""Summarizes a step in one line for its card."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from relay.conditions import OPERATORS
from relay.flows import nesting
from relay.web.ui import form_rows


def condition(step: dict[str, Any]) -> str:
    """Return the first rule of a filter or path, and how many more: `total is greater than 20, and 2 more`."""
    flat = form_rows.flat_rules(step.get("when"))
    if flat is None:
        return "A nested condition"
    _, rules = flat
    if not rules or not rules[0].get("left"):
        return "No condition yet"
    first = rules[0]
    left = re.sub(r"^\{\{\s*(?:event\.body\.)?(.*?)\s*\}\}$", r"\1", form_rows.value_text(first["left"]).strip())
    operator = OPERATORS.get(str(first.get("op")), first.get("op"))
    words = f"{left} {operator} {form_rows.value_text(first.get('right'))}".strip()
    return words if len(rules) == 1 else f"{words}, and {len(rules) - 1} more"


def _names(step: dict[str, Any]) -> str:
    values = step.get("values")
    return ", ".join(values) if isinstance(values, dict) and values else "No values yet"


def _branch(step: dict[str, Any]) -> str:
    return "Takes all paths that match" if step.get("match") == "all" else "Takes the first path that matches"


def _loop(step: dict[str, Any]) -> str:
    count = sum(1 for name, block in nesting.inner(step) if not name for _ in nesting.every(block))
    return f"{count} step{'' if count == 1 else 's'} for each item"


def list_name(loop: dict[str, Any]) -> str:
    """Return the list of a loop in short: `line_items` for `{{ event.body.line_items }}`."""
    text = _expression_text(loop.get("over"))
    return text.removeprefix("event.body.") or "a list that isn't chosen yet"


def _delay(step: dict[str, Any]) -> str:
    wait = (
        f"until {_expression_text(step['until'])}"
        if step.get("until")
        else _expression_text(step.get("for")) or "No time yet"
    )
    return f"{wait}, only the last with the same {_expression_text(step['key'])}" if step.get("key") else wait


def _digest(step: dict[str, Any]) -> str:
    parts = [("for", step.get("every")), ("until", step.get("at")), ("up to", step.get("limit"))]
    return ", ".join(f"{word} {_expression_text(value)}" for word, value in parts if value) or "No window yet"


def _changed(step: dict[str, Any]) -> str:
    return _expression_text(step.get("value")) or "No value yet"


def _once(step: dict[str, Any]) -> str:
    return _expression_text(step.get("key")) or "No key yet"


def _respond(step: dict[str, Any]) -> str:
    return f"Status {_expression_text(step.get('status')) or 200}"


def _expression_text(value: Any) -> str:
    """Return a value for a card: an expression without its braces, up to 80 characters."""
    text = form_rows.value_text(value).strip()
    if text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1:
        text = text[2:-2].strip()
    return text if len(text) <= 80 else text[:80] + "…"


SUMMARIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "filter": condition,
    "set": _names,
    "branch": _branch,
    "loop": _loop,
    "delay": _delay,
    "digest": _digest,
    "changed": _changed,
    "once": _once,
    "respond": _respond,
}
