"""The kinds of values that templates know, in words."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, NamedTuple

from jinja2.runtime import LoopContext, Macro
from jinja2.utils import Namespace


class Group(NamedTuple):
    """One group of the filter groupby: unpacks, and has the names `grouper` and `list`."""

    grouper: Any
    list: list[Any]


_KINDS: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
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


def kind(value: Any) -> str:
    """What a value is, for a message: `text`, `a number`, `an object`..."""
    return _KINDS.get(type(value), "something that is not data")
