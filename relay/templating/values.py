"""Converts the values that templates output to text and to JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from relay.bodies import numerals
from relay.bodies.numerals import Numeral
from relay.errors import TemplateError
from relay.templating.fuel import ACTIVE, are_small_numbers, charge, charge_value, digits_units
from relay.templating.kinds import Group, kind
from relay.templating.missing import Missing, raise_missing

_PLAIN = {str, int, bool, type(None)}
_SMALL = 1 << 63  # integers below are written quickly


def finalize(value: Any) -> str:
    """A value as text. Charges its length."""
    kind = type(value)
    text = value if kind is str else str(value) if kind is int and -_SMALL < value < _SMALL else as_text(value)
    budget = ACTIVE.budget
    if budget is not None:
        budget.work -= 1 + (len(text) >> 5 if text.isascii() else len(text) >> 3)
        if budget.work < budget.floor:
            budget.check()
    return text


def as_text(value: Any) -> str:
    """A value as text: null is "", booleans are true and false, lists and objects JSON. Raises TemplateError."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        charge(digits_units(value))
        return str(value)
    if isinstance(value, float):
        return numerals.encode(finite(value)).decode()
    return as_json_text(value)


def as_key(value: Any) -> str:
    """Like `as_text`, but equal numbers give equal text, whatever their digits. Raises TemplateError."""
    return as_text(float(value) if isinstance(value, Numeral) else value)


def as_json_text(value: Any, *, indent: int = 0) -> str:
    """The JSON text of a value, with characters outside ASCII unescaped. Raises TemplateError.

    `indent`: spaces for each level; 0 writes it in one line.
    """
    value = _as_charged_json(value)
    try:
        data = numerals.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair
        return numerals.dumps(value, ensure_ascii=False, indent=indent or None)
    return msgspec.json.format(data, indent=indent).decode()


def same_text(value: Any) -> str:
    """JSON that is the same for equal values, whatever the digits of numbers. Raises TemplateError."""
    value = _as_charged_json(value)
    try:
        return numerals.canonical(value)
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True)


def _as_charged_json(value: Any) -> Any:
    charge(16)
    if type(value) is list and are_small_numbers(value):
        charge(len(value) >> 2)
        return value
    charge_value(value, times=2)  # for the tree of plain values and for its text
    return as_json(value)


def context_text(value: Any) -> Any:
    """The JSON text of a list or object from the context, as `as_json_text` writes it; any other value unchanged.

    Its size is bounded already and it contains only JSON, so it is written first and charged by its length.
    """
    if type(value) is not dict and type(value) is not list:
        return value
    charge(16)
    try:
        data = numerals.encode(value)
    except (TypeError, ValueError, RecursionError):  # not JSON, a lone surrogate, or a cycle
        return as_json_text(value)
    charge(1 + (len(data) >> 6))
    return msgspec.json.format(data, indent=0).decode()


def as_json(value: Any) -> Any:
    """Converts a value to JSON types: tuples and ranges become lists, keys text. Raises TemplateError."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return finite(value)
    if isinstance(value, dict):
        return {_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, Group):
        return {"grouper": as_json(value.grouper), "list": as_json(value.list)}
    if isinstance(value, (list, tuple)):
        return list(value) if set(map(type, value)) <= _PLAIN else [as_json(item) for item in value]
    if isinstance(value, range):
        charge(len(value))
        return list(value)
    raise not_data(value)


def not_data(value: Any) -> TemplateError:
    if isinstance(value, Missing):
        raise_missing(value)
    return TemplateError(f"{kind(value)} can't be put out")


def finite(number: Any) -> Any:
    """Returns the number if it is finite, as JSON requires, else raises TemplateError."""
    if isinstance(number, float) and not math.isfinite(number):
        raise TemplateError("the result is not a finite number")
    return number


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if not isinstance(key, (int, float, bool, type(None))):
        raise TemplateError(f"{kind(key)} can't be a key of an object")
    return json.dumps(key) if isinstance(key, bool) or key is None else as_key(key)
