"""Holds a request as received, and reads the parts that contain signatures and signed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import multipart  # type: ignore[import-untyped]

from relay.bodies import charsets, json_size, multipart_forms
from relay.bodies.percent import unquote
from relay.signatures.verdict import Refused

MAX_PAIRS = 1_000

Pairs = list[tuple[bytes, bytes]]
_FORM = "application/x-www-form-urlencoded"
_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class SenderRequest:
    """Raw bytes of a request. `url`: the configured public URL with the received query; `headers`: by lower-case name.

    `content_type`: the type as which the body is read; None: that of the header.
    Each part is parsed at its first use.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    payload: str = ""
    content_type: str | None = None
    _query: Pairs | None = field(default=None, init=False)
    _form: Pairs | None = field(default=None, init=False)
    _json: tuple[Any] | None = field(default=None, init=False)

    @property
    def query(self) -> Pairs:
        if self._query is None:
            self._query = pairs(as_bytes(self.url).partition(b"#")[0].partition(b"?")[2])
        return self._query

    @property
    def form(self) -> Pairs:
        """The fields of a form; raises Refused if the body is of another type."""
        if self._form is None:
            content_type_ = self.headers.get("content-type", "") if self.content_type is None else self.content_type
            self._form = _form(self.body, content_type_)
        return self._form

    @property
    def json(self) -> Any:
        """The JSON of the body, or of the source `payload`; raises Refused without JSON."""
        if self._json is None:
            source_bytes = (read(self.payload, self) if self.payload else self.body) or b""
            text = charsets.without_bom(source_bytes) or source_bytes
            if json_size.is_too_large(text):
                raise Refused(f"The body has {json_size.TOO_MANY}")
            try:
                self._json = (_decode(text),)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Refused("The body is not the JSON that the signature stands in") from None
        return self._json[0]


def as_bytes(text: str) -> bytes:
    """The bytes of a header or URL as received: servers decode them as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def pairs(text: bytes) -> Pairs:
    """Names and values of a query or form, decoded to bytes; raises Refused past 1,000 of them."""
    pieces = [piece for piece in text.split(b"&") if piece]
    if len(pieces) > MAX_PAIRS:
        raise Refused(f"There are more than {MAX_PAIRS:,} fields")
    split = (piece.replace(b"+", b" ").partition(b"=") for piece in pieces)
    return [(unquote(name), unquote(value)) for name, _, value in split]


def _form(body: bytes, content_type: str) -> Pairs:
    kind, options = multipart.parse_options_header(content_type)
    # Without a type it is a form, as the sender's scheme says. With another type, a flow would read it differently.
    if kind in ("", _FORM):
        return pairs(charsets.without_bom(body) or body)
    if kind == "multipart/form-data":
        return _parts(body, options.get("boundary", ""))
    raise Refused("The body is not a form")


def _parts(body: bytes, boundary: str) -> Pairs:
    """Names and contents of the parts, with the names that they have in the event."""
    if not 0 < len(boundary) <= 200:
        raise Refused("The multipart body can't be read")
    try:
        return [(part.name.encode(), part.content) for part in multipart_forms.parts(body, boundary, MAX_PAIRS)]
    except multipart.MultipartError:
        raise Refused("The multipart body can't be read") from None


def only(fields: Pairs, name: bytes) -> bytes | None:
    """The value of a name; raises Refused if it is repeated, because later readers may pick another value."""
    values = [value for key, value in fields if key == name]
    if len(values) > 1:
        raise Refused(f"{name.decode(errors='replace')} appears more than once")
    return values[0] if values else None


def at(value: Any, path: str) -> Any:
    """The value in JSON at a dotted path, or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text_of(value: Any) -> bytes | None:
    """A JSON value as senders sign it; None for lists, objects and null."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if not isinstance(value, int | float):
        return None
    # No sender signs a number with hundreds of digits, and Python refuses to write one with thousands.
    return str(value).encode() if isinstance(value, float) or value.bit_length() < 1_000 else None


def _header(request: SenderRequest, name: str, _: Any) -> bytes | None:
    value = request.headers.get(name)
    return None if value is None else as_bytes(value)


def _json(request: SenderRequest, path: str, element: Any) -> bytes | None:
    return text_of(at(request.json if element is None else element, path))


def _field(request: SenderRequest, name: str, element: Any) -> bytes | None:
    """A field of a form, or else of JSON."""
    content_type_ = request.headers.get("content-type", "") if request.content_type is None else request.content_type
    if multipart.parse_options_header(content_type_)[0] in (_FORM, "multipart/form-data"):
        return only(request.form, name.encode())
    return _json(request, name, element)


_PLACES: dict[str, Callable[[SenderRequest, str, Any], bytes | None]] = {
    "header": _header,
    "query": lambda request, name, _: only(request.query, name.encode()),
    "form": lambda request, name, _: only(request.form, name.encode()),
    "json": _json,
    "body": _field,
}


def reader(source: str) -> Callable[[SenderRequest, Any], bytes | None]:
    """A function that reads `header:x`, `query:x`, `form:x`, `json:path` (of the element, if there is one).

    Or `body:x`, a field of a form or of JSON, whichever the body is.

    Raises ValueError for a source of another kind.
    """
    location, _, name = source.partition(":")
    if location not in _PLACES or not name:
        raise ValueError(f"{source} is no source: header:, query:, form:, json: or body: and a name")
    find = _PLACES[location]
    key = name.lower() if location == "header" else name
    return lambda request, element: find(request, key, element)


def read(source: str, request: SenderRequest) -> bytes | None:
    """The value of a source in a request."""
    return reader(source)(request, None)
