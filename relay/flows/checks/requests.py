"""Checks the parts of a request that a flow writes out: headers, query and body.

Values from templates are checked when they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relay import templating
from relay.connectors.definition import Action
from relay.connectors.input_coercion import as_text
from relay.connectors.request_builder import check_body
from relay.errors import Fault, RequestRefused
from relay.flows.structure_checks import join
from relay.outbound import check_headers

_PAIRS = "is an object of names and values"
_BODY = 'is {"json": ...}, {"form": {...}}, {"text": "...", "type": "..."}, {"multipart": {...}} or {"file": ...}'


def request_faults(action: Action, key: str, value: Any, path: str) -> Iterator[Fault]:
    """Yields the faults of an action's input that is a part of the request itself."""
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
    for name in ("form", "multipart"):
        form = body.get(name, {})
        if not isinstance(form, dict) and not _is_template(form):
            yield Fault(join(path, name), _PAIRS)
    kind = body.get("type", "")
    if not isinstance(kind, str):
        yield Fault(join(path, "type"), "is text, as text/csv")
    elif not _is_template(kind):
        yield from _faults({"Content-Type": kind}, join(path, "type"))


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and templating.has_template(value)


def header_faults(value: Any, path: str) -> Iterator[Fault]:
    """Yields the faults of an object of headers, or of its JSON text; null leaves a header out."""
    headers = _object(value)
    if headers is None:
        yield Fault(path, _PAIRS)
        return
    constant = {
        name: _constant_text(header_value) for name, header_value in headers.items() if header_value is not None
    }
    single_faults = [
        fault for name, text in constant.items() for fault in _faults({name: text}, join(path, _shown(name)))
    ]
    yield from single_faults or _faults(constant, path)


def _object(value: Any) -> dict[str, Any] | None:
    """The value if it is an object or the JSON text of one, else None."""
    try:
        decoded = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _constant_text(value: Any) -> str:
    """The value as text; "" for a template."""
    return "" if _is_template(value) else as_text(value)


def _faults(headers: dict[str, str], path: str) -> Iterator[Fault]:
    try:
        check_headers(headers)
    except RequestRefused as error:
        yield Fault(path, str(error))


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:60]
