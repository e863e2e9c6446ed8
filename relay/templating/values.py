"""Values on their way out of a template: as text, and as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from relay.errors import TemplateError
from relay.templating.fuel import ACTIVE, charge, charge_value, digits_units
from relay.templating.kinds import Group, kind
from relay.templating.missing import Missing, raise_missing


def finalize(value: Any) -> str:
    """A value as it stands in text; charges its length."""
    text = value if type(value) is str else as_text(value)
    budget = ACTIVE.budget
    if budget is not None:
        budget.work -= 1 + (len(text) >> 5 if text.isascii() else len(text) >> 3)
        if budget.work < budget.floor:
            budget.look()
    return text


def as_text(value: Any) -> str:
    """null is nothing, booleans are true and false, lists and objects are JSON text. Raises TemplateError."""
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
        return str(finite(value))
    return as_json_text(value)


def as_json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON text of a value, characters past ASCII as they are. Raises TemplateError."""
    charge(16)
    # For the tree of plain values and for its text.
    charge_value(value)
    charge_value(value)
    return json.dumps(as_json(value), ensure_ascii=False, indent=indent, allow_nan=False)


def as_json(value: Any) -> Any:
    """The value with nothing in it but JSON: tuples and ranges become lists, keys texts. Raises TemplateError."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return finite(value)
    if isinstance(value, dict):
        return {_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, Group):
        return {"grouper": as_json(value.grouper), "list": as_json(value.list)}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, range):
        charge(len(value))
        return list(value)
    raise not_data(value)


def not_data(value: Any) -> TemplateError:
    if isinstance(value, Missing):
        raise_missing(value)
    return TemplateError(f"{kind(value)} can't be put out")


def finite(number: Any) -> Any:
    """The number, unless it is infinite or not a number, which JSON can't hold. Raises TemplateError."""
    if isinstance(number, float) and not math.isfinite(number):
        raise TemplateError("the result is not a finite number")
    return number


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if not isinstance(key, (int, float, bool, type(None))):
        raise TemplateError(f"{kind(key)} can't be a key of an object")
    return json.dumps(key) if isinstance(key, bool) or key is None else as_text(key)
