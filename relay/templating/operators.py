"""Evaluates the operators of templates, and bounds their operands before the work."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from relay.errors import TemplateError, TemplateLimit
from relay.templating.formatting import printf
from relay.templating.fuel import (
    MAX_BITS,
    WORK,
    charge,
    charge_text,
    charge_value,
    expect_text,
    search_units,
    weigh,
)
from relay.templating.kinds import kind
from relay.templating.missing import Missing, raise_missing
from relay.templating.values import as_text, finite

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}
_SIGNS = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}


def binary(sign: str, left: Any, right: Any) -> Any:
    """`left sign right` for + - * / // % **. Raises TemplateError, TemplateLimit (`number size`...)."""
    for operand in (left, right):
        if isinstance(operand, Missing):
            raise_missing(operand)
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return _numbers(sign, left, right)
    if sign == "+" and _both(left, right, str):
        expect_text(len(left) + len(right))
        return left + right
    if sign == "+" and _both(left, right, (list, tuple, range)):
        charge_value(left)
        charge_value(right)
        return [*left, *right]
    if sign == "*" and isinstance(right, int):
        return _repeat(left, right)
    if sign == "*" and isinstance(left, int):
        return _repeat(right, left)
    if sign == "%" and isinstance(left, str):
        return printf(left, right)
    raise _cannot(sign, left, right)


def _both(left: Any, right: Any, kinds: Any) -> bool:
    return isinstance(left, kinds) and isinstance(right, kinds)


def _cannot(sign: str, left: Any, right: Any) -> TemplateError:
    advice = "; use ~ to join them as text" if sign == "+" else "; | int or | float make numbers"
    return TemplateError(f"{kind(left)} {sign} {kind(right)} is not possible{advice}")


def _numbers(sign: str, left: Any, right: Any) -> Any:
    charge(4)
    for operand in (left, right):
        bounded_number(operand)
    if sign == "**":
        return _power(left, right)
    if right == 0 and sign in ("/", "//", "%"):
        raise TemplateError(f"{sign} 0 is not possible: nothing can be divided by zero")
    return bounded_number(_ARITHMETIC[sign](left, right))


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and right > 0:
        if (left.bit_length() - 1) * right >= MAX_BITS:
            raise too_large()
        charge(32)
    if left == 0 and right < 0:
        raise TemplateError("0 ** a negative number is a division by zero")
    result = left**right
    if isinstance(result, complex):
        raise TemplateError("a root of a negative number is not possible")
    return bounded_number(result)


def bounded_number(number: Any) -> Any:
    """Returns the number if it is finite and has at most 4,096 bits. Raises TemplateError, TemplateLimit."""
    if isinstance(number, int) and number.bit_length() > MAX_BITS:
        raise too_large()
    return finite(number)


def too_large() -> TemplateLimit:
    return TemplateLimit("number size", f"a whole number would have more than {MAX_BITS} bits")


def _repeat(value: Any, times: int) -> Any:
    times = max(times, 0)
    if isinstance(value, str):
        expect_text(len(value) * times)
        return value * times
    if isinstance(value, (list, tuple)):
        charge(min(weigh(value, limit=WORK), WORK) * min(times, WORK))
        return list(value) * times
    raise _cannot("*", value, times)


def join(first: Any, *rest: Any) -> str:
    """`first ~ rest`: joins all values as text."""
    parts = [as_text(part) for part in (first, *rest)]
    expect_text(sum(map(len, parts)))
    text = "".join(parts)
    charge_text(text)
    return text


def compare(left: Any, signs: tuple[str, ...], *rights: Any) -> bool:
    """Evaluates a chain of comparisons by Jinja's names: eq ne lt lteq gt gteq in notin."""
    for sign, right in zip(signs, rights, strict=True):
        if not compared(sign, left, right):
            return False
        left = right
    return True


def compared(sign: str, left: Any, right: Any) -> bool:
    if isinstance(left, Missing):
        raise_missing(left)
    if isinstance(right, Missing):
        raise_missing(right)
    if sign in ("in", "notin"):
        return contains(right, left) is (sign == "in")
    _charge_comparison(left, right)
    if sign in ("eq", "ne"):
        return bool(left == right) is (sign == "eq")
    if not (_both(left, right, (int, float)) or _both(left, right, str) or _both(left, right, list)):
        raise TemplateError(f"{kind(left)} {_SIGNS[sign]} {kind(right)} is not possible; | int or | float make numbers")
    return _ORDER[sign](left, right)


def _charge_comparison(left: Any, right: Any) -> None:
    if isinstance(left, str) and isinstance(right, str):
        charge(1 + (min(len(left), len(right)) >> 8))
    elif isinstance(left, (list, dict, tuple)) and isinstance(right, (list, dict, tuple)):
        most = weigh(left, limit=WORK)
        charge(weigh(right, limit=most))


def contains(container: Any, item: Any) -> bool:
    """`item in container` for text, lists and keys of objects."""
    if isinstance(container, str):
        if not isinstance(item, str):
            raise TemplateError(f"text can only contain text, not {kind(item)}; use | string")
        charge(1 + search_units(len(container), len(item)))
        return item in container
    if isinstance(container, dict):
        return isinstance(item, (str, int, float, bool, type(None))) and item in container
    if isinstance(container, range):
        return (
            isinstance(item, (int, float)) and (isinstance(item, int) or item.is_integer()) and int(item) in container
        )
    if isinstance(container, (list, tuple)):
        _charge_scan(container, item)
        return item in container
    raise TemplateError(f"{kind(container)} can't contain anything")


def _charge_scan(container: Any, item: Any) -> None:
    charge(1 + len(container))
    if isinstance(item, str):
        charge(min(len(item) * len(container), 1 << 20) >> 11)
    elif isinstance(item, (list, dict, tuple)):
        charge_value(container)


def sliced(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """`value[start:stop:step]` of text and lists."""
    if isinstance(value, Missing):
        raise_missing(value)
    if not isinstance(value, (str, list, tuple, range)):
        raise TemplateError(f"{kind(value)} can't be sliced; text and lists can")
    if any(part is not None and not isinstance(part, int) for part in (start, stop, step)) or step == 0:
        raise TemplateError("a slice takes whole numbers, and a step other than 0")
    result = value[start:stop:step]
    charge(1 + (len(result) >> 5 if isinstance(result, str) else len(result)))
    return result


def literal(value: Any) -> Any:
    """A list or object written in a template. Charges its whole tree, so that repeated doubling is limited."""
    charge_value(value)
    return value
