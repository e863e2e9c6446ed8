"""The bytes that are signed: a template over the pieces of a request, compiled once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relay.signatures.keys import Secret, part
from relay.signatures.request import Request, as_bytes, reader
from relay.signatures.verdict import Refused

_piece = re.compile(r"\{([a-z_]+(?::[^{}]+)?)\}")


@dataclass(slots=True)
class Facts:
    """All that a template may name."""

    request: Request
    url: str
    secret: Secret
    timestamp: bytes = b""
    element: Any = None


Piece = Callable[[Facts], bytes]


def compile_signed(template: str, secret_part: str) -> Piece:
    """A function that fills `template`; raises ValueError where it names what isn't there.

    A header, field or parameter that is missing is refused; a missing value of JSON is empty, as senders have it.
    """
    if template == "{body}":
        return lambda facts: facts.request.body
    pieces = [
        _named(text, secret_part) if place % 2 else _literal(text)
        for place, text in enumerate(_piece.split(template))
        if text
    ]
    return lambda facts: b"".join([piece(facts) for piece in pieces])


def _literal(text: str) -> Piece:
    if "{" in text and "}" in text:
        raise ValueError(f"{text} names nothing that can be signed")
    value = text.encode()
    return lambda _: value


def _named(name: str, secret_part: str) -> Piece:
    if name in _OWN:
        return _OWN[name]
    if name == "secret":
        return lambda facts: part(facts.secret, secret_part).encode()
    find = reader(name)
    optional = name.startswith("json:")
    return lambda facts: _found(find(facts.request, facts.element), name, optional=optional)


def _found(value: bytes | None, name: str, *, optional: bool) -> bytes:
    if value is None and not optional:
        raise Refused(f"{worded(name)} is missing")
    return value or b""


def _sorted_form(facts: Facts) -> bytes:
    # A name that is repeated counts once for each of its values, as the senders' own libraries have it.
    return b"".join(name + value for name, value in sorted(set(facts.request.form)))


_OWN: dict[str, Piece] = {
    "body": lambda facts: facts.request.body,
    "url": lambda facts: as_bytes(facts.url),
    "method": lambda facts: facts.request.method.encode(),
    "timestamp": lambda facts: facts.timestamp,
    "sorted_form": _sorted_form,
}
_KINDS = {
    "header": "The header",
    "query": "The query parameter",
    "form": "The form's field",
    "json": "The JSON's value",
    "sig": "The signature's field",
}


def worded(source: str) -> str:
    """A source for people: `header:x-a` is The header x-a."""
    place, _, name = source.partition(":")
    return f"{_KINDS[place]} {name}"
