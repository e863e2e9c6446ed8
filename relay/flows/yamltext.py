"""Parses a safe subset of YAML: no aliases, no tags, and `on` and dates are text.

Uses libyaml's parser where it is installed, which is forty times faster than the one in Python. Values and levels are
counted while they are read, so that a text that is refused costs no more than one that is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


class YamlFault(Exception):
    """The text is not YAML of this subset; the message says where and why."""


class TooMuch(Exception):
    """The text has too many values, or is nested too deeply."""


def parse(text: str, *, most: int, depth: int) -> Any:
    """The plain value of a text with one document; None for an empty text. Raises YamlFault, TooMuch and ValueError."""
    reader = _Reader(text, most, depth)
    try:
        return reader.document()
    except yaml.YAMLError as error:
        raise YamlFault(_first_line(error, text)) from None


class _Reader:
    def __init__(self, text: str, most: int, depth: int) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_PARSER)
        self._left = most
        self._depth = depth

    def document(self) -> Any:
        next(self._events)  # the start of the stream
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), self._depth)
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            _refuse("there is another document after the first", after)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooMuch("values")
        if isinstance(event, yaml.AliasEvent):
            _refuse("aliases are not allowed", event)
        if event.tag not in (None, "!"):
            _refuse(f"the tag {event.tag} is not allowed", event)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if depth <= 0:
            raise TooMuch("levels")
        return self._mapping(depth - 1) if isinstance(event, yaml.MappingStartEvent) else self._sequence(depth - 1)

    def _sequence(self, depth: int) -> list[Any]:
        values = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, depth))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._value(event, depth)
            if not isinstance(key, str):
                _refuse(f"the key {_shown(key)} is not text", event)
            if key in values:
                _refuse(f"the key {key[:60]} appears twice", event)
            values[key] = self._value(next(self._events), depth)
        return values


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in "-0123456789":
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _shown(key: Any) -> str:
    return repr(key)[:60] if not isinstance(key, list | dict) else "of several values"


def _refuse(problem: str, event: Any) -> NoReturn:
    raise yaml.MarkedYAMLError(None, None, problem, event.start_mark)


def _first_line(error: Exception, text: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {min(mark.line, text.rstrip().count(chr(10))) + 1}: {problem}" if mark else problem
