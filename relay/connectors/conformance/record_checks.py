"""Checks the records of a connector: labels, keys, examples, conditions and the names that templates use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from relay import templating
from relay.connectors.conformance import samples
from relay.connectors.credential_scope import template_texts
from relay.connectors.definition import Action, Call, Connector, Field
from relay.connectors.input_coercion import coerce
from relay.errors import RelayError, RequestRefused

_TEXT_KINDS = frozenset({"string", "text", "url", "email"})
_ALLOWED = {
    "pattern": frozenset({"string", "text", "url", "email"}),
    "max_length": _TEXT_KINDS,
    "minimum": frozenset({"number", "integer"}),
    "maximum": frozenset({"number", "integer"}),
    "max_items": frozenset({"list", "rows", "file"}),
}


def connection_faults(connector: Connector) -> Iterator[str]:
    """A connection has secrets, hosts that they may go to, and fields with values that fit."""
    if not connector.has_connection:
        return
    only_signs = bool(connector.actions) and all(action.signing_secret for action in connector.actions)
    if connector.actions and not connector.hosts and not only_signs:
        yield "hosts: name the hosts to which the connection's values may be sent"
    if connector.oauth is None and not any(field.secret for field in connector.connection):
        yield "connection: no field is secret"
    values = samples.connection_of(connector)
    for field in connector.connection:
        yield from _names(field, f"connection.{field.key}")
        if not values[field.key]:
            yield f"connection.{field.key}: needs an example that fits its pattern"
        elif field.example and values[field.key] != str(field.example) and not str(field.example).endswith("..."):
            yield f"connection.{field.key}: its example does not fit: {values[field.key]}"
    yield from _unique([field.key for field in connector.connection], "connection")
    yield from _unique([action.key for action in connector.actions], "actions")


def label_faults(connector: Connector, action: Action) -> Iterator[str]:
    """Everything that a person sees has a label, and everything that a flow names has a key of its own."""
    if not connector.label or not action.label:
        yield "has no label"
    if not action.key.isidentifier():
        yield f"{action.key} is no key: letters, digits and _"
    for place, fields in _levels(action.inputs, "inputs"):
        yield from _unique([field.key for field in fields], place)
        for field in fields:
            yield from _names(field, f"{place}.{field.key}")
    yield from _unique([output.key for output in action.outputs], "outputs")
    for output in action.outputs:
        if not output.label or not (output.path or output.value):
            yield f"outputs.{output.key}: has no label or no path"


def field_faults(connector: Connector, action: Action) -> Iterator[str]:
    """Each input has an example or a default that fits it, and limits that its kind has."""
    for place, fields in _levels(action.inputs, "inputs"):
        for index, field in enumerate(fields):
            for fault in (
                *_sample_faults(field),
                *_shape_faults(connector, field),
                *_when_faults(fields[:index], field),
                *_excludes_faults(fields[:index], field),
            ):
                yield f"{place}.{field.key}: {fault}"


def _sample_faults(field: Field) -> Iterator[str]:
    if not samples.has_sample(field):
        yield "has neither an example nor a default"
    for name, value in (("example", field.example), ("default", field.default)):
        if value in ("", None) or _has_template(value):
            continue
        try:
            coerce(field, value)
        except RequestRefused as error:
            yield f"its {name} does not fit: {error}"


def _shape_faults(connector: Connector, field: Field) -> Iterator[str]:
    if (field.kind == "choice") != bool(field.options):
        yield "a choice has options, and nothing else has"
    if (field.kind in ("object", "rows")) != bool(field.fields):
        yield "an object and rows have fields, and nothing else has"
    if field.source and connector.source(field.source) is None:
        yield f"there is no source {field.source}"
    for limit, kinds in _ALLOWED.items():
        if getattr(field, limit) not in (None, "") and field.kind not in kinds:
            yield f"{limit} is for {', '.join(sorted(kinds))}"


def _when_faults(earlier: tuple[Field, ...], field: Field) -> Iterator[str]:
    if field.when is None:
        return
    other = next((one for one in earlier if one.key == field.when[0]), None)
    if other is None:
        yield f"when: {field.when[0]} is no earlier field of the same level"
        return
    for value in field.when[1]:
        try:
            if coerce(other, value) != value:
                yield f"when: {value!r} is not a value that {other.key} is converted to"
        except RequestRefused as error:
            yield f"when: {error}"


def _excludes_faults(earlier: tuple[Field, ...], field: Field) -> Iterator[str]:
    other = next((one for one in earlier if one.key == field.excludes), None)
    if field.excludes and (other is None or other.required or field.required or other.default is not None):
        yield f"excludes: {field.excludes} is no earlier field of the same level that may be empty"


def template_faults(connector: Connector, action: Action) -> Iterator[str]:
    """Templates compile, name only what exists, and every input goes somewhere."""
    known = {"key", *(f"connection.{key}" for key in samples.connection_of(connector))}
    known |= {f"connection.{key}" for key in (connector.oauth.own_keys if connector.oauth else ())}
    known |= {path for field in action.inputs for path in _paths(field, "inputs")}
    used: set[str] = set()
    all_calls: list[Call | Action] = [*action.before, action]
    for call in all_calls:
        for text in _sources(call):
            try:
                names = templating.names(text)
            except RelayError as error:
                yield f"{text[:60]}: {error}"
                continue
            names = {re.sub(r"\[([^\]]*)\]", r".\1", name) for name in names}
            used |= names
            yield from (f"{text[:60]}: there is no {name}" for name in sorted(names) if not _exists(name, known))
        known.add(f"calls.{call.key}")
    for output in action.outputs:
        names = templating.names(output.value)
        used |= names
        unknown = sorted(name for name in names if not _exists(name, known | {"body"}))
        yield from (f"outputs.{output.key}: there is no {name}" for name in unknown)
    if action.target == "http":
        sent = {".".join(name.split(".")[:2]) for name in used}
        sent |= {f"inputs.{key}" for field in action.inputs for key in _needs(connector, field)}
        unused = [field.key for field in action.inputs if f"inputs.{field.key}" not in sent and "inputs" not in sent]
        yield from (f"inputs.{key}: is sent nowhere" for key in unused)


def _needs(connector: Connector, field: Field) -> tuple[str, ...]:
    """The inputs by which the values of a field are listed, such as the board of a list."""
    source = connector.source(field.source)
    return source.needs if source else ()


def _paths(field: Field, place: str) -> Iterator[str]:
    path = f"{place}.{field.key}"
    yield path
    for part in field.fields if field.kind == "object" else ():
        yield from _paths(part, path)


def _exists(name: str, known: set[str]) -> bool:
    """Whether a path is known, or is inside something known whose parts are not declared."""
    parts = name.split(".")
    if parts[0] in ("inputs", "connection", "calls") and len(parts) == 1:
        return True
    end = next((end for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in known), 0)
    declares = any(path.startswith(f"{'.'.join(parts[:end])}.") for path in known)
    return end == len(parts) or (end > 0 and not declares)


def _sources(call: Action | Call) -> list[str]:
    parts: list[Any] = [call.method, call.url, call.headers, call.query, call.basic, call.json, call.body]
    if isinstance(call, Action):
        parts += [call.sign, call.signing_secret]
    else:
        parts.append(call.when)
    if call.inquiry is not None:
        parts += [call.inquiry.url, call.inquiry.query, call.inquiry.about[1]]
    return [text for text in template_texts(parts) if text]


def _levels(fields: tuple[Field, ...], place: str) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """Yields fields level by level, with the place of each level."""
    yield place, fields
    for field in fields:
        if field.fields:
            yield from _levels(field.fields, f"{place}.{field.key}")


def _names(field: Field, place: str) -> Iterator[str]:
    if not field.label:
        yield f"{place}: has no label"
    if not field.key.isidentifier():
        yield f"{place}: a key has letters, digits and _"


def _unique(keys: Iterable[str], place: str) -> Iterator[str]:
    keys = list(keys)
    yield from (f"{place}: two are called {key}" for key in dict.fromkeys(keys) if keys.count(key) > 1)


def _has_template(value: Any) -> bool:
    return any(templating.has_template(text) for text in template_texts(value))
