"""Converts the inputs of actions, constant or rendered, to the kinds of their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from relay.bodies import numerals
from relay.connectors import value_kinds
from relay.connectors.definition import Action, Field
from relay.connectors.value_kinds import as_text
from relay.errors import RequestRefused, ValueRefused

__all__ = [
    "applies",
    "as_text",
    "coerce",
    "coerce_fields",
    "coerce_inputs",
    "excluded",
    "is_blank",
    "is_blank_row",
]

IsHidden = Callable[[Any], bool]
_ANY = Field("", "")


def _never(_value: Any) -> bool:
    return False


def coerce_inputs(action: Action, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of an action, converted and with defaults; empty ones are left out. Raises RequestRefused."""
    return coerce_fields(action.inputs, inputs)


def coerce_fields(
    fields: tuple[Field, ...], values: Mapping[str, Any], *, is_hidden: IsHidden = _never
) -> dict[str, Any]:
    """The values of fields of one level, converted and with defaults; empty ones are left out.

    `is_hidden`: whether a value has a mask in place of a secret; if such a value can't be converted, it stays as it is.
    Raises RequestRefused, with the label of the field, and of those that it is in.
    """
    converted: dict[str, Any] = {}
    for field in fields:
        is_asked = applies(field, converted, is_unknown=is_hidden) if field.when else True
        if is_asked is False:
            continue
        value = values.get(field.key)
        # Written out, since walks call it for every input.
        if value is None or value == "" or (field.kind == "object" and is_blank(field, value)):
            value = field.default
        if value is not None and value != "":
            converted[field.key] = coerce(field, value, is_hidden=is_hidden)
            if field.excludes in converted:
                raise ValueRefused(excluded(fields, field))
        elif field.required and is_asked:
            raise ValueRefused(f"{field.label} is empty")
    return converted


def excluded(fields: Iterable[Field], field: Field) -> str:
    """What is said about a field that is given together with the one that it excludes."""
    other = next(one.label for one in fields if one.key == field.excludes)
    return f"{field.label} can't be given together with {other}; leave one of them empty"


def applies(field: Field, values: Mapping[str, Any], *, is_unknown: IsHidden = _never) -> bool | None:
    """Whether a field is asked for beside the converted values of its level; None if that value is unknown."""
    if field.when is None:
        return True
    key, wanted = field.when
    value = values.get(key)
    return None if is_unknown(value) else value in wanted


def is_blank(field: Field, value: Any) -> bool:
    """Whether a value counts as not given: null, an empty text, or an object of nothing else."""
    if value is None or value == "":
        return True
    if field.kind != "object" or not isinstance(value, dict):
        return False
    return _has_no_values(field.fields, value)


def is_blank_row(field: Field, row: Any) -> bool:
    """Whether a row of a field of kind `rows` counts as not given, such as an empty one of a form."""
    return row is None or row == "" or (isinstance(row, dict) and _has_no_values(field.fields, row))


def _has_no_values(fields: tuple[Field, ...], value: Mapping[str, Any]) -> bool:
    parts = {part.key: part for part in fields}
    return all(is_blank(parts.get(key, _ANY), item) for key, item in value.items())


def coerce(field: Field, value: Any, *, is_hidden: IsHidden = _never) -> Any:
    """Converts a value to its field's kind: "3" for a number is 3. Raises RequestRefused if it can't."""
    try:
        match field.kind:
            case "object":
                return _object(field, value, is_hidden)
            case "rows":
                return _rows(field, value, is_hidden)
        return value_kinds.CONVERTERS[field.kind](field, value)
    except RequestRefused:
        # Lists and objects keep their type, so their own faults do not depend on a secret inside.
        if not isinstance(value, str) or not is_hidden(value):
            raise
        return value


def _object(field: Field, value: Any, is_hidden: IsHidden) -> dict[str, Any]:
    value = _decoded(field, value)
    if not isinstance(value, dict):
        raise ValueRefused(f"{field.label} must be an object, not {value_kinds.word(value)}")
    return _parts(field, value, field.label, is_hidden)


def _rows(field: Field, value: Any, is_hidden: IsHidden) -> list[Any]:
    value = _decoded(field, value)
    if not isinstance(value, list):
        raise ValueRefused(f"{field.label} must be a list of objects, not {value_kinds.word(value)}")
    value_kinds.check_count(field, value, "rows")
    rows: list[Any] = []
    for number, row in enumerate(value, start=1):
        if is_blank_row(field, row):
            continue
        if isinstance(row, dict):
            rows.append(_parts(field, row, f"{field.label}, row {number}", is_hidden))
        elif isinstance(row, str) and is_hidden(row):
            rows.append(row)
        else:
            raise ValueRefused(f"{field.label}, row {number} must be an object, not {value_kinds.word(row)}")
    if field.required and not rows:
        raise ValueRefused(f"{field.label} is empty")
    return rows


def _parts(field: Field, value: Mapping[str, Any], place: str, is_hidden: IsHidden) -> dict[str, Any]:
    """The converted parts of an object, or of one row; other names are left out as for an action's inputs."""
    known = [part.key for part in field.fields]
    if value and value.keys().isdisjoint(known):
        raise ValueRefused(f"{place} has none of the names {', '.join(known)}")
    try:
        return coerce_fields(field.fields, value, is_hidden=is_hidden)
    except RequestRefused as error:
        raise type(error)(f"{place}: {error}") from None


def _decoded(field: Field, value: Any) -> Any:
    """The value of a JSON text; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return numerals.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        what = "a list of objects" if field.kind == "rows" else "an object"
        raise ValueRefused(f"{field.label} must be {what}, not text") from None
