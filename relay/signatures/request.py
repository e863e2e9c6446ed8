"""A request as it came, and the places in it where signatures and what they sign are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import multipart  # type: ignore[import-untyped]

from relay.signatures.verdict import Refused

MOST_PAIRS = 1_000
MOST_PART_BYTES = 1024 * 1024

Pairs = list[tuple[bytes, bytes]]
_FORM = "application/x-www-form-urlencoded"
_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Request:
    """Raw bytes of a request. `url`: the configured public URL with the query as it came; `headers` by lower-case name.

    Nothing of it is parsed before it's asked for.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    payload: str = ""
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
        """The fields of a form; raises Refused where the body is said to be something else."""
        if self._form is None:
            self._form = _form(self.body, self.headers.get("content-type", ""))
        return self._form

    @property
    def json(self) -> Any:
        """The JSON of the body, or of the place that `payload` says; raises Refused where there is none."""
        if self._json is None:
            text = read(self.payload, self) if self.payload else self.body
            try:
                self._json = (_decode(text or b""),)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Refused("The body is not the JSON that the signature stands in") from None
        return self._json[0]


def as_bytes(text: str) -> bytes:
    """The bytes of a header or URL as they came: servers hand them over as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def pairs(text: bytes) -> Pairs:
    """Names and values of a query or form, decoded to bytes; raises Refused past 1,000 of them."""
    pieces = [piece for piece in text.split(b"&") if piece]
    if len(pieces) > MOST_PAIRS:
        raise Refused(f"There are more than {MOST_PAIRS:,} fields")
    split = (piece.replace(b"+", b" ").partition(b"=") for piece in pieces)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in split]


def _form(body: bytes, content_type: str) -> Pairs:
    kind, options = multipart.parse_options_header(content_type)
    # Without a type it's a form: the sender's signature says so. Under another type, a flow would read it otherwise.
    if kind in ("", _FORM):
        return pairs(body)
    if kind == "multipart/form-data":
        return _parts(body, options.get("boundary", ""))
    raise Refused("The body is not a form")


def _parts(body: bytes, boundary: str) -> Pairs:
    fields: Pairs = []
    if not 0 < len(boundary) <= 200:
        raise Refused("The multipart body can't be read")
    try:
        parser = multipart.PushMultipartParser(
            boundary, max_header_size=4096, max_header_count=8, max_segment_count=MOST_PAIRS
        )
        with parser:
            for event in parser.parse(body):
                if isinstance(event, multipart.MultipartSegment):
                    fields.append((event.name.encode(), b""))
                elif event:
                    name, value = fields.pop()
                    fields.append((name, value + bytes(event)))
    except (multipart.MultipartError, AttributeError):
        raise Refused("The multipart body can't be read") from None
    return fields


def only(found: Pairs, name: bytes) -> bytes | None:
    """The value of a name; raises Refused where it stands more than once: who reads it later may read another."""
    values = [value for key, value in found if key == name]
    if len(values) > 1:
        raise Refused(f"{name.decode(errors='replace')} stands more than once")
    return values[0] if values else None


def at(value: Any, path: str) -> Any:
    """What stands in JSON under a dotted path; None where there is nothing."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text_of(value: Any) -> bytes | None:
    """A JSON value as senders write it into what they sign; None for what has no such form."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if not isinstance(value, int | float):
        return None
    # No sender signs a number of hundreds of digits, and Python writes none of thousands.
    return str(value).encode() if isinstance(value, float) or value.bit_length() < 1_000 else None


def _header(request: Request, name: str, _: Any) -> bytes | None:
    value = request.headers.get(name)
    return None if value is None else as_bytes(value)


def _json(request: Request, path: str, element: Any) -> bytes | None:
    return text_of(at(request.json if element is None else element, path))


_PLACES: dict[str, Callable[[Request, str, Any], bytes | None]] = {
    "header": _header,
    "query": lambda request, name, _: only(request.query, name.encode()),
    "form": lambda request, name, _: only(request.form, name.encode()),
    "json": _json,
}


def reader(source: str) -> Callable[[Request, Any], bytes | None]:
    """A function that reads `header:x`, `query:x`, `form:x` or `json:path` (of the element, where there is one).

    Raises ValueError for a source of another kind.
    """
    place, _, name = source.partition(":")
    if place not in _PLACES or not name:
        raise ValueError(f"{source} is no source: header:, query:, form: or json: and a name")
    find = _PLACES[place]
    key = name.lower() if place == "header" else name
    return lambda request, element: find(request, key, element)


def read(source: str, request: Request) -> bytes | None:
    """What stands in one place of a request."""
    return reader(source)(request, None)
