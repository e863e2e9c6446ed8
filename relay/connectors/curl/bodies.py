"""Converts the body of a cURL command to the body of an HTTP request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from relay.connectors.curl.options import Given
from relay.errors import RelayError
from relay.redaction import is_secret_name

MAX_FIELDS = 200
MAX_ROWS = 90  # of a form, which the editor shows in up to 100 rows; a longer one is taken as text
MAX_DEPTH = 50  # of a JSON body; a deeper one is taken as text

FORM_TYPE = "application/x-www-form-urlencoded"
_template_mark = re.compile(r"\{[{%#]")
_is_json = re.compile(r"application/(?:[\w.+-]*\+)?json\s*(?:;.*)?", re.IGNORECASE).fullmatch
_part_settings = re.compile(r";\s*(?:type|filename|headers|encoder)=")


@dataclass(frozen=True, slots=True)
class Body:
    """A body as `http.request` takes it. `words`: what it is; `secrets`: names in it whose values look secret.

    `implies_type`: the content type follows from it, so that no header is needed.
    """

    value: dict[str, Any]
    words: str
    implies_type: bool = True
    notes: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


def escaped(text: str) -> str:
    """Return a template that renders to `text`, whatever braces it has."""
    return _template_mark.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def body_of(text: str, content_type: str) -> Body:
    """Return the body that curl sends as `text`: JSON if its type says so, a form, or text."""
    if _is_json(content_type):
        return _json_body(text, content_type)
    is_form = not content_type or content_type.partition(";")[0].strip().lower() == FORM_TYPE
    fields = _form_fields(text) if is_form and content_type.lower() in ("", FORM_TYPE) else None
    if fields is not None:
        form = {name: _one_or_list([escaped(value) for value in values]) for name, values in fields.items()}
        return Body({"form": form}, f"form of {len(form)} fields", secrets=_secret_names(form))
    notes = []
    if not content_type and _decoded(text) is not None:
        notes.append(
            "The body is JSON, but the command sends it as a form. If the service expects JSON, choose JSON as the"
            " kind of the body."
        )
    return Body({"text": escaped(text), "type": content_type or FORM_TYPE}, "body as text", notes=notes)


def _json_body(text: str, content_type: str) -> Body:
    tree = _decoded(text)
    if tree is None or not isinstance(tree.value, dict | list):
        notes = ["The body isn't valid JSON, so it is taken as text."] if tree is None else []
        return Body({"text": escaped(text), "type": content_type}, "body as text", notes=notes)
    is_plain = content_type.strip().lower() == "application/json"
    return Body({"json": tree.value}, "body as JSON", implies_type=is_plain, secrets=_secret_names(tree.value))


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A JSON value, which may be null, with the braces in its texts escaped."""

    value: Any


def _decoded(text: str) -> _Decoded | None:
    """Return a JSON value; None if the text isn't JSON or is nested too deeply."""
    try:
        return _Decoded(_escaped_tree(msgspec.json.decode(text), 0))
    except (msgspec.DecodeError, RecursionError):
        return None


def _escaped_tree(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {name: _escaped_tree(item, depth + 1) for name, item in value.items()}
    return [_escaped_tree(item, depth + 1) for item in value] if isinstance(value, list) else value


def _form_fields(text: str) -> dict[str, list[str]] | None:
    """Return the fields of a form, or None if the editor has no rows for them, or Relay would send others."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    same = parse_qsl(urlencode(fields, doseq=True), keep_blank_values=True) == pairs
    has_rows = 0 < len(fields) <= MAX_ROWS and all(name and name == name.strip() for name in fields)
    return fields if same and has_rows else None


def form_body(options: list[Given]) -> Body:
    """Return a multipart form of the text fields of -F. RelayError for files."""
    fields: dict[str, list[Any]] = {}
    notes: list[str] = []
    for option in options:
        name, mark, value = option.value.partition("=")
        if not mark or not name:
            raise RelayError(f"{option.written} needs a name and a value, as in name=value")
        if option.name == "form":
            value = _part_value(option, value, notes)
        fields.setdefault(name, []).append(escaped(value))
    if sum(map(len, fields.values())) > MAX_FIELDS:
        raise RelayError(f"The form has more than {MAX_FIELDS} fields")
    form = {name: _one_or_list(values) for name, values in fields.items()}
    words = f"multipart form of {len(form)} fields"
    return Body({"multipart": form}, words, notes=notes, secrets=_secret_names(form))


def _part_value(option: Given, value: str, notes: list[str]) -> str:
    """Return the text of a field of -F, without its type and without quotes around it."""
    if value.startswith(("@", "<")):
        raise RelayError(
            f"{option.written} names a file. Relay never reads files for a command: remove it, and choose a file of"
            " the event in the body of the step."
        )
    if value.startswith('"') and (found := re.match(r'"([^"\\]*(?:\\.[^"\\]*)*)"', value)):
        text, after = re.sub(r"\\([\"\\])", r"\1", found[1]), value[found.end() :]
    else:
        settings = _part_settings.search(value)
        text, after = (value[: settings.start()], value[settings.start() :]) if settings else (value, "")
    note = f"The type and the file name of a field of {option.written} are left out."
    if after.strip() and note not in notes:
        notes.append(note)
    return text


def _one_or_list(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _secret_names(value: Any) -> list[str]:
    """Return the names in a body whose values look like secrets, without repetition."""
    return list(dict.fromkeys(_names(value)))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str) and item and is_secret_name(name):
                yield name
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
