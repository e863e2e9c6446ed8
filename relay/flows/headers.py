"""What is wrong with headers that a flow writes out; what comes of a template is judged when it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relay import templating
from relay.connectors.fitting import plain
from relay.errors import Fault, RequestRefused
from relay.flows.shape import join
from relay.outbound import check_headers


def header_faults(value: Any, path: str) -> Iterator[Fault]:
    """Every fault of an object of headers, or of JSON text that is one; null leaves a header out."""
    headers = _object(value)
    if headers is None:
        yield Fault(path, "is an object of names and values")
        return
    literal = {name: _literal(one) for name, one in headers.items() if one is not None}
    wrong = [fault for name, text in literal.items() for fault in _faults({name: text}, join(path, _shown(name)))]
    yield from wrong or _faults(literal, path)


def _object(value: Any) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}  # said already, by the input's kind
    return decoded if isinstance(decoded, dict) else None


def _literal(value: Any) -> str:
    """The value as text; nothing where a template will say it."""
    return "" if isinstance(value, str) and templating.has_template(value) else plain(value)


def _faults(headers: dict[str, str], path: str) -> Iterator[Fault]:
    try:
        check_headers(headers)
    except RequestRefused as error:
        yield Fault(path, str(error))


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:60]
