"""Defines filters for numbers."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from relay.errors import TemplateError
from relay.templating.filters.definition import Filter
from relay.templating.filters.reading import number, plain
from relay.templating.fuel import MAX_NUMBER, charge
from relay.templating.operators import bounded_number
from relay.templating.values import finite

GROUP = "Numbers and money"
# No number of a template has more digits before or after its point.
_MAX_DIGITS = 1_300
_WIDE = Context(prec=3 * _MAX_DIGITS)


def _given(value: Any) -> Any:
    """A number, or text that is one, as a number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return plain(number(value))


def absolute(value: Any) -> Any:
    return abs(_given(value))


def ceiling(value: Any) -> int:
    up: int = math.ceil(finite(_given(value)))
    return up


def floor(value: Any) -> int:
    down: int = math.floor(finite(_given(value)))
    return down


def to_int(value: Any, default: Any = 0, base: int = 10) -> Any:
    try:
        return bounded_number(_whole(value, base))
    except (TypeError, ValueError, OverflowError):
        return default


def _whole(value: Any, base: int) -> int:
    if not isinstance(value, str):
        return int(value)
    charge(len(value) >> 5)
    try:
        return int(value, base)
    except ValueError:
        return int(float(value))


def to_float(value: Any, default: Any = 0.0) -> Any:
    charge(len(value) >> 5 if isinstance(value, str) else 1)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if math.isfinite(number) else default


def rounded(value: Any, precision: int = 0, method: str = "common") -> float:
    value = _given(value)
    if not -MAX_NUMBER <= precision <= MAX_NUMBER:
        raise TemplateError(f"round takes up to {MAX_NUMBER} digits")
    if method == "common":
        return float(finite(_half_up(finite(value), precision)))
    if method not in ("ceil", "floor"):
        raise TemplateError("round knows the methods common, ceil and floor")
    digits = max(-300, min(300, precision))
    turn = math.ceil if method == "ceil" else math.floor
    return float(finite(float(turn(value * 10.0**digits) / 10.0**digits)))


def _half_up(value: Any, precision: int) -> float:
    """Rounds halves away from 0, like money, by the written digits: 1.005 is a half, too."""
    if isinstance(value, int) and precision >= 0:
        return float(value)
    digits = max(-_MAX_DIGITS, min(_MAX_DIGITS, precision))
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _WIDE))


FILTERS = {
    "abs": Filter(function=absolute, cost=0, help="The number without its sign.", example="{{ -3 | abs }}", result=3),
    "ceil": Filter(function=ceiling, cost=0, help="Rounds up to a whole number.", example="{{ 2.1 | ceil }}", result=3),
    "float": Filter(
        function=to_float,
        cost=10,
        help="Converts text to a number; 0.0, or the given default, if it is none.",
        example="{{ '12.50' | float }}",
        result=12.5,
    ),
    "floor": Filter(
        function=floor, cost=0, help="Rounds down to a whole number.", example="{{ 2.9 | floor }}", result=2
    ),
    "int": Filter(
        function=to_int,
        cost=15,
        help="Converts text to a whole number; 0, or the given default, if it is none.",
        example="{{ '42' | int }}",
        result=42,
    ),
    "round": Filter(
        function=rounded,
        cost=0,
        help="Rounds to a number of digits, halves up; `method` is common, ceil or floor.",
        example="{{ 3.14159 | round(2) }}",
        result=3.14,
    ),
}
