"""What is wrong with the parts of a request that a flow writes out: headers, query and body.

What comes of a template is judged when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relay import templating
from relay.connectors.calls import check_body
from relay.connectors.definition import Action
from relay.connectors.fitting import plain
from relay.errors import Fault, RequestRefused
from relay.flows.shape import join
from relay.outbound import check_headers

_PAIRS = "is an object of names and values"
_BODY = 'is {"json": ...}, {"form": {...}} or {"text": "...", "type": "..."}, and what is sent stands inside of it'


def request_faults(action: Action, key: str, value: Any, path: str) -> Iterator[Fault]:
    """Every fault of an input of an action that is a part of the request itself."""
    if key == action.headers_input:
        yield from header_faults(value, path)
    elif key == action.query_input:
        if _object(value) is None:
            yield Fault(path, f'{_PAIRS}, as {{"page": 1}}')
    elif key == action.body_input:
        yield from _body_faults(value, path)


def _body_faults(value: Any, path: str) -> Iterator[Fault]:
    body = _object(value)
    if body == {}:
        return
    try:
        check_body(body)
    except RequestRefused:
        yield Fault(path, _BODY)
        return
    assert body is not None
    form = body.get("form", {})
    if not isinstance(form, dict) and not _is_template(form):
        yield Fault(join(path, "form"), _PAIRS)
    kind = body.get("type", "")
    if not isinstance(kind, str):
        yield Fault(join(path, "type"), "is text, as text/csv")
    elif not _is_template(kind):
        yield from _faults({"Content-Type": kind}, join(path, "type"))


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and templating.has_template(value)


def header_faults(value: Any, path: str) -> Iterator[Fault]:
    """Every fault of an object of headers, or of JSON text that is one; null leaves a header out."""
    headers = _object(value)
    if headers is None:
        yield Fault(path, _PAIRS)
        return
    literal = {name: _literal(one) for name, one in headers.items() if one is not None}
    wrong = [fault for name, text in literal.items() for fault in _faults({name: text}, join(path, _shown(name)))]
    yield from wrong or _faults(literal, path)


def _object(value: Any) -> dict[str, Any] | None:
    """The object that a value is, or is the JSON text of; None for all else."""
    try:
        decoded = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _literal(value: Any) -> str:
    """The value as text; nothing where a template will say it."""
    return "" if _is_template(value) else plain(value)


def _faults(headers: dict[str, str], path: str) -> Iterator[Fault]:
    try:
        check_headers(headers)
    except RequestRefused as error:
        yield Fault(path, str(error))


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:60]
