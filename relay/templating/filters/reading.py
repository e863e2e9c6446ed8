"""Reads the values and arguments of filters as numbers, text or options. Raises Unfit for anything else."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from relay.templating.filters.definition import Unfit
from relay.templating.suggestions import near_names, or_words

MAX_MAGNITUDE = 10**15
_NUMBER = re.compile(r"[-+]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][-+]?\d{1,3})?")


def number(value: Any, what: str = "a number") -> Decimal:
    """A number, or text that is one (`"12.50"`), with exactly the written digits; below 10^15."""
    decimal = _decimal(value)
    if decimal is None:
        advice = "; | default(0, true) takes 0 where there is none" if value is None or value == "" else ""
        raise Unfit(what, value, advice)
    if abs(decimal) >= MAX_MAGNITUDE:
        raise Unfit(f"{what} below 10^15", value)
    return decimal


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, int):
        return Decimal(value) if value.bit_length() <= 4096 else Decimal(MAX_MAGNITUDE)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, str) and len(value) < 100 and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def plain(value: Decimal) -> int | float:
    """The number as JSON has it, with whole numbers as integers."""
    return int(value) if value == value.to_integral_value() else float(value)


def whole(value: Any, what: str, *, least: int = 0, most: int = 100) -> int:
    """A whole number from `least` to `most`; `what` names it."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Unfit(f"{what} as a whole number from {least} to {most}", value)
    return value


def text(value: Any, what: str = "a text", *, most: int = 100_000) -> str:
    """A text of up to `most` characters; numbers become text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value) if isinstance(value, float) or value.bit_length() <= 4096 else value
    if not isinstance(value, str):
        advice = "; | default('', true) takes an empty text where there is none" if value is None else ""
        raise Unfit(what, value, advice)
    if len(value) > most:
        raise Unfit(f"{what} of up to {most} characters", value)
    return value


def table(value: Any, what: str = "an object") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit(what, value)
    return value


def choice(value: Any, what: str, options: list[str]) -> str:
    """One of the options; `what` names them all (`a unit`)."""
    if isinstance(value, str) and value in options:
        return value
    known = options if len(options) <= 12 else near_names(value, options) if isinstance(value, str) else []
    raise Unfit(f"{what}{f' ({or_words(known)})' if known else ''}", value)
