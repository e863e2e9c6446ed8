"""Converts rows of a form, posted as parallel lists of values, to parts of a step."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.http import QueryDict

from relay.bodies import numerals
from relay.conditions import WITHOUT_RIGHT
from relay.errors import RelayError
from relay.web.ui import form_data

MAX_ROWS = 100
LIST_OPERATORS = ("in", "not_in")
_index = re.compile(r"\.([0-9]{1,5})(?:\.|$)").match
_is_number = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?").fullmatch


def read_rows(data: QueryDict, *names: str) -> list[tuple[str, ...]]:
    """Return the rows posted under `names`; missing values of a row are "". RelayError for too many rows."""
    columns = [form_data.texts(data, name) for name in names]
    length = max((len(column) for column in columns), default=0)
    if length > MAX_ROWS:
        raise RelayError(f"A step may have {MAX_ROWS} rows here; this one has {length}")
    padded = [[*column, *[""] * (length - len(column))] for column in columns]
    return list(zip(*padded, strict=True))


def remove_row(data: QueryDict, group: tuple[str, ...], index: int) -> None:
    """Remove one row from the fields of `group`, in place."""
    for name in group:
        values = data.getlist(name)
        if 0 <= index < len(values):
            data.setlist(name, values[:index] + values[index + 1 :])


def posted_indexes(data: QueryDict, name: str) -> list[int]:
    """Return the indexes of rows that are posted as `name.0.part` and `name.1.part`. RelayError for too many rows."""
    indexes = {int(match[1]) for key in data if (match := _index(key[len(name) :])) and key.startswith(name)}
    if len(indexes) > MAX_ROWS:
        raise RelayError(f"A step may have {MAX_ROWS} rows here; this one has {len(indexes)}")
    return sorted(indexes)


def remove_indexed(data: QueryDict, name: str, index: int) -> None:
    """Remove the row with an index from rows that are posted as `name.0.part`, in place."""
    row = f"{name}.{index}"
    for key in [key for key in data if key == row or key.startswith(f"{row}.")]:
        del data[key]


def read_pairs(data: QueryDict, prefix: str, former: Any) -> dict[str, Any]:
    """Return the posted names and values.

    A value without a name is named `value`, an empty row is left out, and a repeated name gets a number.
    """
    former = former if isinstance(former, dict) else {}
    values: dict[str, Any] = {}
    for name, value in read_rows(data, f"{prefix}.key", f"{prefix}.value"):
        if name.strip():
            key = _unused_name(name.strip(), values)
            values[key] = keep_type(value, former.get(key))
        elif value.strip():
            values[_unused_name("value", values)] = value
    return values


def _unused_name(name: str, taken: dict[str, Any]) -> str:
    number, unused = 1, name
    while unused in taken:
        number += 1
        unused = f"{name}_{number}"
    return unused


def keep_type(value: str, former: Any) -> Any:
    """Return the posted text, or the former value if its text is unchanged, so that a number stays a number."""
    return former if not isinstance(former, str | None) and value_text(former) == value else value


def read_number(text: str, former: Any) -> Any:
    """Return a posted number. Any other text, also `nan` or `1e999`, which JSON can't hold, is kept as it is."""
    if not _is_number(text):
        return keep_type(text, former)
    return float(text) if "." in text else int(text)


def value_text(value: Any) -> str:
    """Return the text of a value in a field: a string as it is, a list of scalars joined, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and value and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(str(part) for part in value)
    return msgspec.json.format(numerals.encode(value), indent=2).decode()


def flat_rules(when: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """Return `all` or `any` and its rules if a condition fits the form's rows, otherwise None."""
    if _is_rule(when):
        return "all", [when]
    if not isinstance(when, dict) or len(when) != 1:
        return None
    join, rules = next(iter(when.items()))
    if join not in ("all", "any") or not isinstance(rules, list) or not all(map(_is_rule, rules)):
        return None
    if len(rules) > MAX_ROWS:
        return None
    return join, rules


def _is_rule(rule: Any) -> bool:
    return isinstance(rule, dict) and "left" in rule and isinstance(rule.get("op"), str)


def read_condition(data: QueryDict, former: Any) -> dict[str, Any]:
    """Return the posted rows of a filter as a condition. Empty rows stay, so that they can be filled in."""
    _, former_rules = flat_rules(former) or ("all", [])
    rules = []
    for index, (left, op, right) in enumerate(read_rows(data, "left", "op", "right")):
        rule: dict[str, Any] = {"left": left, "op": op or "equals"}
        former_rule = former_rules[index] if index < len(former_rules) else {}
        rule["left"] = keep_type(left, former_rule.get("left"))
        if rule["op"] not in WITHOUT_RIGHT:
            rule["right"] = _right_side(right, rule["op"], former_rule.get("right"))
        rules.append(rule)
    join = "any" if data.get("join") == "any" else "all"
    return rules[0] if _is_rule(former) and len(rules) == 1 and join == "all" else {join: rules}


def _right_side(text: str, op: str, former: Any) -> Any:
    if op in LIST_OPERATORS and "{{" not in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    return keep_type(text, former)
