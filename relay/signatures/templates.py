"""Compiles the template of the signed bytes, over the parts of a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relay.signatures.keys import Secret, part
from relay.signatures.request import SenderRequest, as_bytes, reader
from relay.signatures.verdict import Refused

_piece = re.compile(r"\{([a-z_]+(?::[^{}]+)?)\}")


@dataclass(slots=True)
class Facts:
    """The values that a template may name."""

    request: SenderRequest
    url: str
    secret: Secret
    timestamp: bytes = b""
    element: Any = None


Piece = Callable[[Facts], bytes]


def compile_signed(template: str, secret_part: str) -> Piece:
    """A function that fills `template`; raises ValueError for an unknown name.

    A missing header, field or parameter is refused; a missing value of JSON is empty, as senders sign it.
    """
    if template == "{body}":
        return lambda facts: facts.request.body
    texts = _piece.split(template)
    pieces = [
        _bounded(_named_piece(text, secret_part), texts[index:]) if index % 2 else _literal(text)
        for index, text in enumerate(texts)
        if text
    ]
    return lambda facts: b"".join([piece(facts) for piece in pieces])


def _bounded(piece: Piece, texts: list[str]) -> Piece:
    """The piece named first in `texts`; a header before the time must not contain the text between the two.

    Otherwise a body that contains a time could be divided into another header, time and body.
    """
    if not texts[0].startswith(("header:", "query:")) or texts[2:3] != ["timestamp"] or not texts[1]:
        return piece
    end = texts[1].encode()

    def ended(facts: Facts) -> bytes:
        value = piece(facts)
        if end in value:
            raise Refused(f"{worded(texts[0])} has a {texts[1]} in it, which ends it in what is signed")
        return value

    return ended


def _literal(text: str) -> Piece:
    if "{" in text and "}" in text:
        raise ValueError(f"{text} names nothing that can be signed")
    value = text.encode()
    return lambda _: value


def _named_piece(name: str, secret_part: str) -> Piece:
    if name in _OWN:
        return _OWN[name]
    if name == "secret":
        return lambda facts: part(facts.secret, secret_part).encode()
    find = reader(name)
    optional = name.startswith("json:")
    return lambda facts: _value_or_refused(find(facts.request, facts.element), name, optional=optional)


def _value_or_refused(value: bytes | None, name: str, *, optional: bool) -> bytes:
    if value is None and not optional:
        raise Refused(f"{worded(name)} is missing")
    return value or b""


def _sorted_form(facts: Facts) -> bytes:
    # A repeated name counts once for each distinct value, as in the senders' own libraries.
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
    "body": "The body's field",
    "sig": "The signature's field",
}


def worded(source: str) -> str:
    """The description of a source: `header:x-a` is The header x-a."""
    location, _, name = source.partition(":")
    return f"{_KINDS[location]} {name}"
