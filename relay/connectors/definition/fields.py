"""Defines the fields of actions and connections, and the outputs of actions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

FieldKind = Literal[
    "string",
    "text",
    "url",
    "email",
    "number",
    "integer",
    "boolean",
    "choice",
    "date",
    "datetime",
    "json",
    "list",
    "object",
    "rows",
    "file",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an action, or one value of a connection.

    `secret`: sealed, never shown again. `pattern`: a regular expression for the whole value.
    `example` serves forms, tests and previews; every field of an action has one or a default.

    Limits of the service, checked before a request is sent: `max_length` in characters, `minimum` and `maximum` of a
    number, `max_items` of a list or of rows.

    `options` are the values of a `choice`. `source`: the key of the connector's OptionSource that lists the values of
    any other kind, such as the channels of a workspace; a value that is not listed is allowed, as a template is.
    `fields`: the parts of an `object`, such as an address, or of each of several `rows`, such as line items.
    `when`: the key of an earlier field of the same level and the values of it with which this field is asked for; with
    any other value, the field is not required, and what it holds is not sent.
    `excludes`: the key of an earlier field of the same level that can't be given together with this one.

    A `date` is 2026-01-31; a `datetime` is sent in the form of RFC 3339, without an offset if it was given without one.
    An `object` without values counts as empty, and so does such a row; names that are no `fields` are left out.
    """

    key: str
    label: str
    kind: FieldKind = "string"
    required: bool = False
    secret: bool = False
    help: str = ""
    default: Any = None
    example: Any = ""
    max_length: int | None = None
    pattern: str = ""
    options: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_items: int | None = None
    source: str = ""
    fields: tuple[Field, ...] = ()
    when: tuple[str, tuple[Any, ...]] | None = None
    excludes: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A named part of an action's answer. `path`: its place in the parsed body (`id`, `data.url`).

    `call`: the key of an earlier call of the action from whose answer it is taken; "" for the last one.
    `value`: a template over `body` and `inputs` that computes the output of an answer that is a success, such as the
    rows that are due; `path` is then the place of what it reads, "" for the whole body. It compares inputs but never
    puts one out, because an input may be secret.
    `kind`: a `file` is base64 in the answer, such as a label; later steps see the file's record, also in `files`.
    """

    key: str
    label: str
    path: str = ""
    example: Any = None
    call: str = ""
    value: str = ""
    kind: Literal["value", "file"] = "value"


def check_values(fields: tuple[Field, ...], values: dict[str, Any]) -> dict[str, str]:
    """The faults of values for `fields`, by field."""
    faults = dict.fromkeys(values.keys() - {field_.key for field_ in fields}, "unknown field")
    for field_ in fields:
        message = _fault(field_, values.get(field_.key))
        if message:
            faults[field_.key] = message
    return faults


def _fault(field_: Field, value: Any) -> str:
    if value is None or value == "":
        return "is needed" if field_.required else ""
    if not isinstance(value, str):
        return "must be text"
    if field_.max_length is not None and len(value) > field_.max_length:
        return f"may have {field_.max_length} characters"
    if field_.kind != "text" and any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return "has a line break or a control character in it"
    if field_.pattern and not re.fullmatch(field_.pattern, value):
        way_out = f"it looks like {field_.example}" if field_.example else "copy the whole value again from the service"
        return f"doesn't look right; {way_out}"
    return ""
