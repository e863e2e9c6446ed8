"""Payloads: the bytes of a body become a JSON value, within limits, by what its content type says."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import parse_qsl
from xml.parsers.expat import ExpatError

import msgspec
import multipart  # type: ignore[import-untyped]
import xmltodict

from relay.errors import PayloadError

JSON: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None

MAX_DEPTH = 64
MAX_FIELDS = 1_000
MAX_PARTS = 200
MAX_PART_HEADER = 4_096
MAX_FILE_TEXT = 256 * 1024
MAX_XML_NODES = 100_000

_decode = msgspec.json.Decoder().decode
_BOM = b"\xef\xbb\xbf"
_NUL = b"\\u0000"
# In order: an escaped backslash, a whole surrogate pair, and then what neither Python nor PostgreSQL can keep.
_ESCAPES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000)"
)
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")
# Not every codec that Python knows: some take quadratic time, some are no charset at all.
_CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?[lb]e)?|(us-)?ascii|(iso-?)?8859-\d+|iso8859\d+|latin-?\d+|(windows-|cp-?)\d+|koi8-[ru]"
    r"|shift-?jis|sjis|euc-?(jp|kr)|iso-2022-(jp|kr)|gb(2312|k|18030)|big5"
)
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/csv", "message/")


def parse(body: bytes, content_type: str) -> JSON:
    """The body as templates see it; an empty body is None whatever its type.

    JSON (`application/json`, `+json`): as it is; the last of duplicate keys wins, what is not a character becomes
    U+FFFD. Forms: `{name: text}`, a list where a name is repeated. Multipart: the same, a file is
    `{"filename", "content_type", "size"}` and, when it is text of up to 256 KiB, `"text"`. XML: a tree, attributes
    as `@name`, text beside them as `#text`. A token (`application/jwt`): its claims. No content type: JSON when it
    looks like it and is, else text. Everything else: text by its charset.
    Raises PayloadError for a body that is not what its type says, deeper than 64 or past another limit.
    """
    if not body:
        return None
    if content_type == "application/json":
        return _json(body)
    kind, options = multipart.parse_options_header(content_type)
    if not kind:
        return _guess(body)
    charset = options.get("charset", "")
    if kind.endswith(("/json", "+json")):
        return _json(_as_utf8(body, charset))
    if kind == "application/x-www-form-urlencoded":
        return _form(body, charset)
    if kind == "multipart/form-data":
        return _multipart(body, options.get("boundary", ""))
    if kind.endswith(("/xml", "+xml")):
        return _xml(body, charset)
    if kind == "application/jwt":
        return _json(_claims(body))
    return _text(body, charset)


def _json(body: bytes) -> JSON:
    if _NUL in body:
        body = _mended(body)
    try:
        value = _decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_mended(body)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        check_depth(value)
    return value  # type: ignore[no-any-return]


def _claims(body: bytes) -> bytes:
    """The JSON of a token's claims; whether they are true is for whoever let it in."""
    pieces = body.strip().split(b".")
    try:
        return urlsafe_b64decode(pieces[1] + b"=" * (-len(pieces[1]) % 4))
    except (IndexError, ValueError):
        raise PayloadError("The body is not a JSON Web Token") from None


def _decode_mended(body: bytes) -> Any:
    try:
        return _decode(_mended(body))
    except RecursionError:
        raise _too_deep() from None
    except msgspec.DecodeError as error:
        raise PayloadError(f"The body is not valid JSON: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    message = str(error).removeprefix("JSON is malformed: ").partition(" - at ")[0]
    return {"Input data was truncated": "it ends too early"}.get(message, message[:1].lower() + message[1:])


def _mended(body: bytes) -> bytes:
    """The JSON text with U+FFFD for the byte order mark's rest, bytes that aren't UTF-8, lone surrogates and NUL."""
    text = body.removeprefix(_BOM).decode("utf-8", "replace").encode()
    return _ESCAPES.sub(lambda match: match[1] or rb"\ufffd", text)


def _as_utf8(body: bytes, charset: str) -> bytes:
    if not charset or charset.lower() in ("utf-8", "utf8", "us-ascii"):
        return body
    return _text(body, charset).encode("utf-8", "replace")


def check_depth(value: Any) -> None:
    """Raises PayloadError for a JSON object or array that is nested deeper than 64."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for box in level
            for child in (box.values() if type(box) is dict else box)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> PayloadError:
    return PayloadError(f"The body is nested deeper than {MAX_DEPTH} levels")


def _guess(body: bytes) -> JSON:
    if body.removeprefix(_BOM).lstrip()[:1] in (b"{", b"["):
        try:
            return _json(body)
        except PayloadError:
            pass
    return _text(body, "")


def _text(body: bytes, charset: str) -> str:
    """Text by its charset, UTF-8 where that is none that Relay takes; what is not a character becomes U+FFFD."""
    name = charset.lower().replace("_", "-")
    codec = name if _CHARSETS.fullmatch(name) else "utf-8"
    try:
        text = body.decode("utf-8-sig" if codec == "utf-8" else codec, "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd")


def _form(body: bytes, charset: str) -> JSON:
    text = _text(body, charset)
    if text.count("&") >= MAX_FIELDS:
        raise PayloadError(f"The form has more than {MAX_FIELDS:,} fields")
    values: dict[str, Any] = {}
    for name, value in parse_qsl(text.strip("\r\n"), keep_blank_values=True):
        _add(values, name.replace("\0", "\ufffd"), value.replace("\0", "\ufffd"))
    return values


def _add(values: dict[str, Any], name: str, value: Any) -> None:
    """Set a name, or make a list of its values where it is repeated."""
    if name not in values:
        values[name] = value
    elif isinstance(values[name], list):
        values[name].append(value)
    else:
        values[name] = [values[name], value]


def _multipart(body: bytes, boundary: str) -> JSON:
    if not boundary or len(boundary) > 200:
        raise PayloadError("The multipart body has no usable boundary in its content type")
    values: dict[str, Any] = {}
    try:
        for part, content in _parts(body, boundary):
            _add(values, _plain_text(part.name or ""), _part_value(part, content))
    except multipart.MultipartError as error:
        reason = _plain(Exception(error.args[0] if error.args else error))
        raise PayloadError(f"The multipart body can't be read: {reason}") from None
    return values


def _plain_text(header: str) -> str:
    """A text of a part's headers, as far as it is one."""
    return header.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _parts(body: bytes, boundary: str) -> Iterator[tuple[multipart.MultipartSegment, bytes]]:
    """Every part with its content, all in memory: a body is bounded before it comes here."""
    parser = multipart.PushMultipartParser(
        boundary, max_header_size=MAX_PART_HEADER, max_header_count=8, max_segment_count=MAX_PARTS
    )
    part: multipart.MultipartSegment | None = None
    chunks: list[bytes] = []
    with parser:
        for event in (*parser.parse(body), *(parser.parse(b"") if not parser.closed else ())):
            if isinstance(event, multipart.MultipartSegment):
                part, chunks = event, []
            elif event:
                chunks.append(bytes(event))
            elif part is not None:
                yield part, b"".join(chunks)


def _part_value(part: multipart.MultipartSegment, content: bytes) -> Any:
    charset = part.charset or ""
    if part.filename is None:
        return _text(content, charset)
    kind = _plain_text(part.content_type or "application/octet-stream")
    value: dict[str, Any] = {"filename": _plain_text(part.filename), "content_type": kind, "size": len(content)}
    if kind.startswith(_TEXT_TYPES) and len(content) <= MAX_FILE_TEXT:
        value["text"] = _text(content, charset)
    return value


def _xml(body: bytes, charset: str) -> JSON:
    text = _text(body, charset or _declared_charset(body))
    # Declarations of entities and of default attributes let a small document grow without end.
    if "<!ENTITY" in text or "<!ATTLIST" in text:
        raise PayloadError("The XML declares entities or default attributes; Relay reads none that does")
    try:
        tree = xmltodict.parse(text.removeprefix("\ufeff"), encoding="utf-8", postprocessor=_counter())
    except (ExpatError, ValueError) as error:
        raise PayloadError(f"The body is not valid XML: {_plain(error)}") from None
    check_depth(tree)
    return tree


def _declared_charset(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    declared = _DECLARATION.match(body.removeprefix(_BOM))
    return declared[1].decode("ascii") if declared else ""


def _counter() -> Callable[[Any, str, Any], tuple[str, Any]]:
    left = MAX_XML_NODES

    def count(path: Any, key: str, value: Any) -> tuple[str, Any]:
        nonlocal left
        left -= 1
        if left < 0 or len(path) > MAX_DEPTH:
            raise PayloadError(f"The XML has over {MAX_XML_NODES:,} elements or is nested deeper than {MAX_DEPTH}")
        return key, value

    return count
