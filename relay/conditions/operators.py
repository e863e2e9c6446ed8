"""Defines the operators of rules, which compare JSON values and read numbers that arrive as text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from relay.templating import JSON, dates
from relay.templating.filters.definition import Unfit
from relay.templating.fuel import charge, charge_value, search_units
from relay.templating.patterns import matches_in

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
# The numbers that greater and less read: with a sign and an exponent, too. The meaning of a comma is never guessed.
_AMOUNT = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,3})?")
_TRUE = frozenset(("true", "yes", "on", "1"))


def as_number(value: JSON) -> Decimal | None:
    """The number that a value is, or that its text looks like; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        # Converting it takes time that grows with the square of its digits.
        charge(value.bit_length() >> 3)
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, str) and len(value) < 210 and _NUMBER.fullmatch(value.strip()):
        charge(4 + (len(value) >> 3))
        return Decimal(value.strip())
    return None


def as_amount(value: JSON) -> Decimal | None:
    """The number that greater and less read: as `as_number`, and of text also `+5` and `1.5e3`."""
    if isinstance(value, str) and len(value) < 210 and _AMOUNT.fullmatch(value.strip()):
        charge(4 + (len(value) >> 3))
        return Decimal(value.strip())
    return as_number(value)


def equal(left: JSON, right: JSON) -> bool:
    """Whether two values are equal: texts as text, a number and its text, true and "true", anything else by value."""
    return _equality_with(left)(right)


def _equality_with(value: JSON) -> Callable[[JSON], bool]:
    """A function that compares with the value, which is read once and not for each element of a list. Charges work."""
    number, spelled = as_number(value), _lowered(value)
    is_tree = isinstance(value, (dict, list))

    def same(other: JSON) -> bool:
        charge(3)
        if isinstance(value, bool) or isinstance(other, bool):
            return bool(_lowered(other) == spelled)
        if type(other) is type(value):
            if is_tree:
                charge_value(value)
            elif isinstance(value, str) and len(value) == len(other):
                charge(len(value) >> 8)
            if other == value or isinstance(value, str):
                return bool(other == value)
        return number is not None and bool(number == as_number(other))

    return same


def _lowered(value: JSON) -> JSON:
    if isinstance(value, str):
        charge(len(value) >> 6)
        return value.strip().lower()
    return str(value).lower() if isinstance(value, bool) else None


def contains(left: JSON, right: JSON) -> bool:
    """Whether text contains text, a list an equal element, or an object a key."""
    if isinstance(left, list):
        return any(map(_equality_with(right), left))
    if isinstance(left, dict):
        return plain_text(right) in left
    text, part = plain_text(left), plain_text(right)
    charge(search_units(len(text), len(part)))
    return part in text


def plain_text(value: JSON) -> str:
    """A scalar as text; "" for null, lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def one_of(left: JSON, right: JSON) -> bool:
    """Whether left is an element of right, a list or a text with commas between its parts."""
    if isinstance(right, str):
        charge((len(right) >> 5) + 2 * right.count(","))
        right = [part.strip() for part in right.split(",")]
    return isinstance(right, list) and any(map(_equality_with(left), right))


def matches(left: JSON, right: JSON) -> bool:
    """Whether the pattern is found anywhere in the text, in linear time. Raises TemplateError for a bad pattern."""
    return matches_in(right, plain_text(left))


def _ordered(holds: Callable[[Any, Any], bool], convert: Callable[[JSON], Any]) -> Callable[[JSON, JSON], bool]:
    def test(left: JSON, right: JSON) -> bool:
        first, second = convert(left), convert(right)
        return first is not None and second is not None and holds(first, second)

    return test


def as_time(value: JSON) -> float | None:
    """The Unix seconds of a date as filters read it (by default in UTC) or of a number; from 10**11, milliseconds."""
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
    """Whether a value is null, blank text, or an empty list or object."""
    return left is None or (isinstance(left, str) and not left.strip()) or left in ([], {})


def is_true(left: JSON, _: JSON = None) -> bool:
    """Whether a value is true, a number other than 0, or one of the texts true, yes, on and 1."""
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
    "greater_than": _ordered(lambda left, right: left > right, as_amount),
    "at_least": _ordered(lambda left, right: left >= right, as_amount),
    "less_than": _ordered(lambda left, right: left < right, as_amount),
    "at_most": _ordered(lambda left, right: left <= right, as_amount),
    "before": _ordered(lambda left, right: left < right, as_time),
    "after": _ordered(lambda left, right: left > right, as_time),
    "exists": lambda _left, _right: True,
    "is_empty": is_empty,
    "is_true": is_true,
}
