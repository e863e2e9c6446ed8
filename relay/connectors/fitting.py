"""Fitting: a value and the Field it is for; what an action is given, constant or rendered, passes through here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from relay.connectors.definition import Action, Field
from relay.errors import RequestRefused

_TRUTH = {"true": True, "false": False}
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?")
_WORDS = {list: "a list", dict: "an object", bool: "true or false", str: "text"}


def fitted(action: Action, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that are there, with defaults; an empty optional one counts as missing. Raises RequestRefused."""
    values: dict[str, Any] = {}
    for one in action.inputs:
        value = inputs.get(one.key)
        if value is None or value == "":
            value = one.default
        if value is not None and value != "":
            values[one.key] = fit(one, value)
        elif one.required:
            raise RequestRefused(f"{one.label} is empty")
    return values


def fit(one: Field, value: Any) -> Any:
    """The value as its field's kind has it: "3" for a number is 3. RequestRefused where it can't be that."""
    match one.kind:
        case "string" | "text" | "url":
            return _text(one, value)
        case "choice":
            return _choice(one, value)
        case "number":
            return _number(one, value)
        case "boolean":
            return _boolean(one, value)
        case "list":
            return _list(one, value)
        case "json":
            return _json(one, value)


def plain(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text(one: Field, value: Any) -> str:
    if isinstance(value, list | dict):
        raise RequestRefused(f"{one.label} must be text, not {_WORDS[type(value)]}; | tojson makes text of it")
    text = plain(value)
    if one.max_length is not None and len(text) > one.max_length:
        raise RequestRefused(f"{one.label} has {len(text)} characters, {one.max_length} are allowed")
    if one.pattern and not re.fullmatch(one.pattern, text):
        raise RequestRefused(f"{one.label} doesn't look right{f'; it looks like {one.example}' if one.example else ''}")
    return text


def _choice(one: Field, value: Any) -> str:
    for option in one.options:
        if plain(value).lower() == option.lower():
            return option
    raise RequestRefused(f"{one.label} is one of {', '.join(one.options)}")


def _number(one: Field, value: Any) -> int | float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestRefused(f"{one.label} must be a number, not {_WORDS.get(type(value), 'this')}")
    return value


def _boolean(one: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTH:
        return _TRUTH[value.strip().lower()]
    raise RequestRefused(f"{one.label} must be true or false")


def _list(one: Field, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        raise RequestRefused(f"{one.label} must be a list, not an object")
    return [part.strip() for part in plain(value).split(",") if part.strip()]


def _json(one: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RequestRefused(f"{one.label} is not JSON") from None
