"""Names the kinds of values in templates, for error messages."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, NamedTuple

from jinja2.runtime import LoopContext, Macro
from jinja2.utils import Namespace

from relay.bodies.numerals import Numeral


class Group(NamedTuple):
    """A group of the filter groupby, which can be unpacked and has the names `grouper` and `list`."""

    grouper: Any
    list: list[Any]


_KINDS: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
    Numeral: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    tuple: "a list",
    Group: "a group",
    range: "a list",
    type(None): "null",
    FunctionType: "a function",
    MethodType: "a function",
    LoopContext: "a loop",
    Macro: "a macro",
    Namespace: "a namespace",
}


_MAX_SHOWN = 40


def shown(value: Any) -> str:
    """A value for a message: `the text 'abc'`, `the number 5`, `a list`. Never a part of it: it may be a secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= _MAX_SHOWN else f"a text of {len(value)} characters"
    if isinstance(value, int):
        return f"the number {value}" if value.bit_length() <= 3 * _MAX_SHOWN else "a number of very many digits"
    return f"the number {value!r}" if isinstance(value, float) else kind(value)


def kind(value: Any) -> str:
    """The kind of a value, for a message: `text`, `a number`, `an object`..."""
    return _KINDS.get(type(value), "something that is not data")
