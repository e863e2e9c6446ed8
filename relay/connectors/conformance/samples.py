"""Makes inputs and connections of the examples of fields, and the answer that an action expects."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relay.bodies import numerals
from relay.connectors.conformance.patterns import text_for
from relay.connectors.definition import Action, Connector, Field, Reply
from relay.connectors.input_coercion import applies
from relay.outbound import Answer

_LENGTHS = (32, 40, 24, 20, 16, 12, 64, 8, 6, 4, 2, 1)
_BY_STATUS = Reply()
# The first file of the event with the id 1, which holds it in its body.
FILE = {
    "id": "0000000000001-1",
    "name": "scan.pdf",
    "type": "application/pdf",
    "size": 12,
    "link": "https://relay.example.com/files/0000000000001-1/",
    "field": "document",
}


def has_sample(field: Field) -> bool:
    """Whether a field has an example or a default, or is of a kind that needs none."""
    if field.kind in ("choice", "boolean", "object", "rows", "file"):
        return True
    return field.default is not None or field.example not in ("", None)


def sample_of(field: Field, *, required_only: bool = False) -> Any:
    """A value of a field: its example, its default, or one that its kind tells; None without any."""
    if field.example not in ("", None):
        return field.example
    if field.default is not None:
        return field.default
    match field.kind:
        case "choice":
            return field.options[0] if field.options else None
        case "boolean":
            return True
        case "file":
            return FILE
        case "object":
            return inputs_of(field.fields, required_only=required_only)
        case "rows":
            return [inputs_of(field.fields, required_only=required_only)]
    return None


def inputs_of(
    fields: tuple[Field, ...], *, required_only: bool = False, chosen: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The samples of those fields of one level that are asked for, or of those that are required.

    `chosen`: values that replace samples, by key. Of two fields that exclude each other, the chosen one is given, else
    the first.
    """
    left_out = {field.excludes for field in fields if field.key in (chosen or {})}
    known: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for field in fields:
        if not applies(field, known) or field.key in left_out or field.excludes in values:
            continue
        known[field.key] = value = (chosen or {}).get(field.key, sample_of(field, required_only=required_only))
        is_needed = field.required or field.key in (chosen or {})
        if value is not None and (is_needed or not required_only):
            values[field.key] = value
    return values


def variants(action: Action) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sets of inputs with which an action is tried: the required ones, all, and all for each choice that others need.

    Of two inputs that exclude each other, all inputs have the first; another set has the second.

    Yields a name and inputs.
    """
    yield "required inputs", inputs_of(action.inputs, required_only=True)
    yield "all inputs", inputs_of(action.inputs)
    for field in action.inputs:
        if field.excludes:
            yield f"without {field.excludes}", inputs_of(action.inputs, chosen={field.key: sample_of(field)})
    for key, value in dict.fromkeys((f.when[0], value) for f in action.inputs if f.when for value in f.when[1]):
        yield f"{key} = {value}", inputs_of(action.inputs, chosen=chosen_for(action.inputs, key, value))


def names_of(action: Action) -> dict[str, Any]:
    """The names that an action's own request sees beside its inputs: the example answers of the calls before it."""
    calls = {call.key: {"status": 200, "body": call.example} for call in action.before}
    return {"calls": calls} if calls else {}


def chosen_for(fields: Iterable[Field], key: str, value: Any) -> dict[str, Any]:
    """The values with which a field may have a value: this one, and those of the fields that it depends on."""
    by_key = {field.key: field for field in fields}
    chosen: dict[str, Any] = {}
    when: tuple[str, tuple[Any, ...]] | None = (key, (value,))
    while when and when[0] not in chosen:
        chosen[when[0]] = when[1][0]
        when = by_key[when[0]].when if when[0] in by_key else None
    return chosen


def connection_of(connector: Connector) -> dict[str, str]:
    """Values for each field of a connection that fit it and are different; "" where it needs an example for that."""
    values = {field.key: _connection_value(connector, field) for field in connector.connection}
    if connector.oauth is not None:
        values.setdefault("access_token", _digest(connector.key, "access_token"))
        if connector.oauth.base_url_from:
            values[connector.oauth.base_url_from] = f"https://{connector.key.replace('_', '-')}.example.com"
    return values


def _connection_value(connector: Connector, field: Field) -> str:
    candidates = [str(field.example or ""), str(field.default or ""), *field.options, *_made_up(connector, field)]
    fitting = (text for text in candidates if text and not connector.check_connection({field.key: text}).get(field.key))
    return next(fitting, "")


def _made_up(connector: Connector, field: Field) -> Iterator[str]:
    if field.kind == "url":
        yield f"https://{connector.key.replace('_', '-')}.example.com"
    if field.kind == "email":
        yield "ada@example.com"
    digest = _digest(connector.key, field.key)
    yield text_for(field.pattern, digest) if field.pattern else ""
    for text in (digest, digest.upper(), str(int(digest, 16))):
        yield from (text[:length] for length in _LENGTHS)
    yield str(uuid.UUID(digest[:32]))


def _digest(*names: str) -> str:
    return hashlib.sha256(".".join(names).encode()).hexdigest()


def answer_of(action: Action) -> Answer:
    """The answer to a success, as the reply and the outputs of an action describe it."""
    reply = action.reply or _BY_STATUS
    if reply.body:
        return Answer(200, {"content-type": "text/plain"}, reply.body.encode(), truncated=False, seconds=0.1)
    body: Any = {}
    # A list first, then what is inside it.
    for output in sorted(action.outputs, key=lambda output: output.path.count(".")):
        if output.path and not output.call:
            body = put_at(body, output.path, output.example if output.example is not None else f"{output.key}-1")
    if reply.ok:
        body = put_at(body, reply.ok, True)
    if reply.says:
        body = put_at(body, *reply.says)
    return json_answer(200, body)


def error_answer(action: Action, status: int, message: str) -> Answer:
    """The answer to a failure, with a message where the service puts it."""
    reply = action.reply or _BY_STATUS
    return json_answer(status, put_at({}, reply.error, message) if reply.error else {"message": message})


def json_answer(status: int, body: Any) -> Answer:
    headers = {"content-type": "application/json"}
    return Answer(status, headers, numerals.encode(body), truncated=False, seconds=0.1)


def put_at(tree: Any, path: str, value: Any) -> Any:
    """A JSON value with a value at a path of names and list indexes, the inverse of `response_rules.value_at`."""
    name, _, rest = path.partition(".")
    if re.fullmatch("[0-9]{1,3}", name):
        items = list(tree) if isinstance(tree, list) else []
        items += [{}] * (int(name) + 1 - len(items))
        items[int(name)] = put_at(items[int(name)], rest, value) if rest else value
        return items
    named = dict(tree) if isinstance(tree, dict) else {}
    named[name] = put_at(named.get(name), rest, value) if rest else value
    return named
