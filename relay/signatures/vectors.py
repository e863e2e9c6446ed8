"""Checks recorded requests as ingest would, so that a scheme can be tested alone."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from relay.errors import RelayError
from relay.signatures.handshakes import HandshakeAnswer, Handshaker
from relay.signatures.keys import Secret
from relay.signatures.request import SenderRequest
from relay.signatures.scheme import Handshake, Named, Scheme
from relay.signatures.verdict import Verdict
from relay.signatures.verifiers import verifier

# The name of a scheme -> its verification (None: handshakes only) and handshakes. Raises RelayError for an unknown one.
Lookup = Callable[[str], tuple[Scheme | Named | None, Sequence[Handshake]]]


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded request. `secret`: a text, an object of parts, a list of several valid ones, or null for none."""

    id: str
    scheme: str
    secret: Any = None
    headers: dict[str, str | int | list[str]] = {}
    body: str | None = ""
    body_encoding: str = "utf-8"
    method: str = "POST"
    url: str = "https://relay.example.com/in/example"
    now: float = 0


def vectors_of(text: bytes) -> list[Vector]:
    """The vectors of a JSON array; raises RelayError with the position of an error."""
    try:
        return msgspec.json.decode(text, type=list[Vector])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RelayError(f"The file is no array of vectors: {error}") from None


def check(vector: Vector, lookup: Lookup) -> tuple[Verdict, HandshakeAnswer | None]:
    """The verdict for a scheme and secrets, and the answer if the request is a handshake."""
    try:
        how, handshakes = lookup(vector.scheme)
    except RelayError as error:
        return Verdict(valid=False, reason=str(error)), None
    try:
        request, secrets = request_of(vector), secrets_of(vector)
    except RelayError as error:
        return Verdict(valid=False, reason=str(error)), None
    handshaker = Handshaker(handshakes)
    answer = handshaker.before(request, secrets, has_secret=bool(secrets))
    if answer is not None:
        return Verdict(valid=not answer.reason, reason=answer.reason or "A handshake"), answer
    if how is None:
        return Verdict(valid=False, reason="It is no handshake, or set-up is over"), None
    verdict = verifier(how, handshakes).verify(request, secrets, vector.now)
    return verdict, handshaker.after(request, secrets) if verdict.valid else None


def request_of(vector: Vector) -> SenderRequest:
    """The request of a vector in the form of ingest. Raises RelayError for a request that cannot arrive."""
    _check_place_and_time(vector)
    headers: dict[str, str] = {}
    for name, value in vector.headers.items():
        key = name.lower()
        text = ", ".join(value) if isinstance(value, list) else str(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return SenderRequest(vector.method.upper(), vector.url, headers, _body(vector))


def _check_place_and_time(vector: Vector) -> None:
    try:
        _ = urlsplit(vector.url).port, datetime.fromtimestamp(vector.now, UTC)
    except (ValueError, OverflowError, OSError):
        raise RelayError(f"The url of {vector.id} is none, or its now is no time in seconds since 1970") from None


def secrets_of(vector: Vector) -> list[Secret]:
    """The valid secrets."""
    values = vector.secret if isinstance(vector.secret, list) else [vector.secret]
    return [value for value in values if value and isinstance(value, str | dict)]


def _body(vector: Vector) -> bytes:
    if vector.body_encoding != "base64":
        return (vector.body or "").encode("utf-8", "surrogatepass")
    try:
        return b64decode(vector.body or "")
    except ValueError as error:
        raise RelayError(f"The body of {vector.id} is not base64: {error}") from None
