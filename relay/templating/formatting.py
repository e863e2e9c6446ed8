"""Formats text by printf patterns (`'%05.2f' % n` and the filter format) with bounded widths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from relay.errors import TemplateError
from relay.templating.fuel import MAX_TEXT, bounded, charge, text_too_long
from relay.templating.kinds import kind
from relay.templating.values import as_text

_SPEC = re.compile(
    r"%(?:\((?P<name>[^()]*)\))?(?P<flags>[-+ #0]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<type>.?)", re.DOTALL
)


def printf(pattern: str, values: Any) -> str:
    """`pattern % values`: a tuple `(a, b)` gives the values in order, an object by name. Raises TemplateError."""
    charge(1 + (len(pattern) >> 3))
    ordered = iter(values if isinstance(values, tuple) else (values,))
    parts: list[str] = []
    end = 0
    room = MAX_TEXT
    for spec in _SPEC.finditer(pattern):
        parts += (pattern[end : spec.start()], _formatted(spec, ordered, values))
        end = spec.end()
        room -= len(parts[-1]) + len(parts[-2])
        charge(1 + (len(parts[-1]) >> 5))
        if room < 0:
            raise text_too_long()
    return "".join((*parts, pattern[end:]))


def _formatted(spec: re.Match[str], ordered: Iterator[Any], values: Any) -> str:
    letter = spec["type"]
    if letter == "%":
        return "%"
    form = "%" + spec["flags"] + _number(spec["width"], "the width")
    if spec["precision"] is not None:
        form += "." + _number(spec["precision"], "the precision")
    value = _argument(spec["name"], ordered, values)
    if letter in ("s", "r", "a"):
        return (form + "s") % (as_text(value),)
    if not letter or letter not in "diufFeEgGxXoc":
        raise TemplateError(f"the format doesn't know %{letter}; it knows %s, %d, %f, %e, %g, %x, %o and %%")
    return _numeric(form + letter, value)


def _number(digits: str, name: str) -> str:
    if not digits:
        return ""
    return str(bounded(int(digits[:9]), name=name))


def _argument(name: str | None, ordered: Iterator[Any], values: Any) -> Any:
    if name is not None:
        if not isinstance(values, dict) or name not in values:
            raise TemplateError(f"the format has no value for %({name[:80]})")
        return values[name]
    for value in ordered:
        return value
    raise TemplateError("the format has more places than values")


def _numeric(form: str, value: Any) -> str:
    try:
        return form % (value,)
    except (TypeError, ValueError, OverflowError) as error:
        raise TemplateError(f"the format %{form[-1]} can't take {kind(value)}") from error
