"""The operators of rules: how two JSON values compare, with numbers as numbers also when they arrive as text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from relay.templating import JSON, dates
from relay.templating.filters.definition import Unfit
from relay.templating.fuel import charge, charge_value, search_units
from relay.templating.patterns import found_in

OPERATORS = {
    "equals": "is",
    "not_equals": "is not",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "matches": "matches the pattern",
    "in": "is one of",
    "not_in": "is none of",
    "greater_than": "is greater than",
    "at_least": "is at least",
    "less_than": "is less than",
    "at_most": "is at most",
    "before": "is before",
    "after": "is after",
    "exists": "exists",
    "is_empty": "is empty",
    "is_true": "is true",
}
WITHOUT_RIGHT = frozenset(("exists", "is_empty", "is_true"))
NUMERIC = frozenset(("greater_than", "at_least", "less_than", "at_most"))

# JSON's own grammar without exponents: "007" and "+49..." stay texts.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,100})?")
_TRUE = frozenset(("true", "yes", "on", "1"))


def as_number(value: JSON) -> Decimal | None:
    """The number a value is or, as text, looks like; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        # Its digits are made one by one: the time grows with their square.
        charge(value.bit_length() >> 3)
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, str) and len(value) < 210 and _NUMBER.fullmatch(value.strip()):
        charge(4 + (len(value) >> 3))
        return Decimal(value.strip())
    return None


def equal(left: JSON, right: JSON) -> bool:
    """Numbers as numbers, also as text; true and "true" are equal; everything else by value."""
    return _same_as(left)(right)


def _same_as(value: JSON) -> Callable[[JSON], bool]:
    """Whether something is equal to the value, which is read once and not for each element of a list. Charged."""
    number, spelled = as_number(value), _spelled(value)
    is_tree = isinstance(value, (dict, list))

    def same(other: JSON) -> bool:
        charge(3)
        if isinstance(value, bool) or isinstance(other, bool):
            return bool(_spelled(other) == spelled)
        if type(other) is type(value):
            if is_tree:
                charge_value(value)
            elif isinstance(value, str) and len(value) == len(other):
                charge(len(value) >> 8)
            if other == value:
                return True
        return number is not None and bool(number == as_number(other))

    return same


def _spelled(value: JSON) -> JSON:
    if isinstance(value, str):
        charge(len(value) >> 6)
        return value.strip().lower()
    return str(value).lower() if isinstance(value, bool) else None


def contains(left: JSON, right: JSON) -> bool:
    """Text contains text, a list an element equal to right, an object a key."""
    if isinstance(left, list):
        return any(map(_same_as(right), left))
    if isinstance(left, dict):
        return plain_text(right) in left
    text, part = plain_text(left), plain_text(right)
    charge(search_units(len(text), len(part)))
    return part in text


def plain_text(value: JSON) -> str:
    """A scalar as text; nothing for null, lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def one_of(left: JSON, right: JSON) -> bool:
    """Whether right, a list or a text of parts between commas, holds left."""
    if isinstance(right, str):
        charge((len(right) >> 5) + 2 * right.count(","))
        right = [part.strip() for part in right.split(",")]
    return isinstance(right, list) and any(map(_same_as(left), right))


def matches(left: JSON, right: JSON) -> bool:
    """Whether the pattern is found anywhere in the text, in linear time. Raises TemplateError for a bad pattern."""
    return found_in(right, plain_text(left))


def _ordered(holds: Callable[[Any, Any], bool], reading: Callable[[JSON], Any]) -> Callable[[JSON, JSON], bool]:
    def test(left: JSON, right: JSON) -> bool:
        first, second = reading(left), reading(right)
        return first is not None and second is not None and holds(first, second)

    return test


def as_time(value: JSON) -> float | None:
    """Unix seconds of a date as filters read it (UTC where it names no zone) or a number; past 10**11, milliseconds."""
    number = as_number(value)
    if number is not None:
        return float(number) / 1000 if abs(number) >= 10**11 else float(number)
    if not isinstance(value, str) or len(value) > 100:
        return None
    try:
        return dates.read(value).at.timestamp()
    except (Unfit, ValueError, OverflowError):
        return None


def is_empty(left: JSON, _: JSON = None) -> bool:
    """null, blank text, an empty list or object."""
    return left is None or (isinstance(left, str) and not left.strip()) or left in ([], {})


def is_true(left: JSON, _: JSON = None) -> bool:
    """true, a number other than 0, or one of the texts true, yes, on and 1."""
    if isinstance(left, str):
        return left.strip().lower() in _TRUE
    return isinstance(left, (bool, int, float)) and bool(left)


COMPARISONS: dict[str, Callable[[JSON, JSON], bool]] = {
    "equals": equal,
    "not_equals": lambda left, right: not equal(left, right),
    "contains": contains,
    "not_contains": lambda left, right: not contains(left, right),
    "starts_with": lambda left, right: plain_text(left).startswith(plain_text(right)),
    "ends_with": lambda left, right: plain_text(left).endswith(plain_text(right)),
    "matches": matches,
    "in": one_of,
    "not_in": lambda left, right: not one_of(left, right),
    "greater_than": _ordered(lambda left, right: left > right, as_number),
    "at_least": _ordered(lambda left, right: left >= right, as_number),
    "less_than": _ordered(lambda left, right: left < right, as_number),
    "at_most": _ordered(lambda left, right: left <= right, as_number),
    "before": _ordered(lambda left, right: left < right, as_time),
    "after": _ordered(lambda left, right: left > right, as_time),
    "exists": lambda _left, _right: True,
    "is_empty": is_empty,
    "is_true": is_true,
}
