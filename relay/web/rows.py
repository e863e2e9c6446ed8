"""Rows of a form: lists of equal length under a few posted names, made into parts of a step."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import QueryDict

from relay.conditions import WITHOUT_RIGHT
from relay.errors import RelayError
from relay.web import posted

MAX_ROWS = 100
LISTS = ("in", "not_in")


def table(data: QueryDict, *names: str) -> list[tuple[str, ...]]:
    """The rows posted under `names`; a row that a browser sent in part is filled up with nothing."""
    columns = [posted.texts(data, name) for name in names]
    length = max((len(column) for column in columns), default=0)
    if length > MAX_ROWS:
        raise RelayError(f"A step may have {MAX_ROWS} rows here; this one has {length}")
    padded = [[*column, *[""] * (length - len(column))] for column in columns]
    return list(zip(*padded, strict=True))


def without(data: QueryDict, group: tuple[str, ...], index: int) -> None:
    """Drop one row of a group of names, in place."""
    for name in group:
        values = data.getlist(name)
        if 0 <= index < len(values):
            data.setlist(name, values[:index] + values[index + 1 :])


def pairs(data: QueryDict, prefix: str, former: Any) -> dict[str, Any]:
    """Names and values; rows without a name are left out, a name used twice gets a number."""
    former = former if isinstance(former, dict) else {}
    found: dict[str, Any] = {}
    for name, value in table(data, f"{prefix}.key", f"{prefix}.value"):
        if name.strip():
            key = _unused(name.strip(), found)
            found[key] = kept(value, former.get(key))
        elif value.strip():
            found[_unused("value", found)] = value
    return found


def _unused(name: str, found: dict[str, Any]) -> str:
    number, unused = 1, name
    while unused in found:
        number += 1
        unused = f"{name}_{number}"
    return unused


def kept(value: str, former: Any) -> Any:
    """The posted text; the former value itself where its text is unchanged, so a number stays a number."""
    return former if not isinstance(former, str | None) and shown(former) == value else value


def shown(value: Any) -> str:
    """A value as a field shows it: text as it is, a list of texts joined, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and value and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(str(part) for part in value)
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def flat(when: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """`all` or `any` and its rules, where a condition is rows as the form shows them; None for another shape."""
    if not isinstance(when, dict) or len(when) != 1:
        return None
    join, rules = next(iter(when.items()))
    if join not in ("all", "any") or not isinstance(rules, list) or not all(map(_is_rule, rules)):
        return None
    return join, rules


def _is_rule(rule: Any) -> bool:
    return isinstance(rule, dict) and "left" in rule and isinstance(rule.get("op"), str)


def condition(data: QueryDict, former: Any) -> dict[str, Any]:
    """The rows of a filter as a condition; rows that are wholly empty stay, so that they can be filled."""
    _, before = flat(former) or ("all", [])
    rules = []
    for index, (left, op, right) in enumerate(table(data, "left", "op", "right")):
        rule: dict[str, Any] = {"left": left, "op": op or "equals"}
        was = before[index] if index < len(before) else {}
        rule["left"] = kept(left, was.get("left"))
        if rule["op"] not in WITHOUT_RIGHT:
            rule["right"] = _right(right, rule["op"], was.get("right"))
        rules.append(rule)
    return {"any" if data.get("join") == "any" else "all": rules}


def _right(text: str, op: str, former: Any) -> Any:
    if op in LISTS and "{{" not in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    return kept(text, former)
