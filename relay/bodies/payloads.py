"""Parses bodies into JSON values by their content type, within limits."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeAlias
from xml.parsers.expat import ExpatError, ParserCreate

import msgspec
import multipart  # type: ignore[import-untyped]
import xmltodict

from relay.bodies import charsets, embedded, forms, json_size, multipart_forms, numerals
from relay.bodies.body_types import FORM_FIELDS
from relay.bodies.multipart_forms import Part
from relay.errors import PayloadError

JSON: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None

MAX_DEPTH = 64
MAX_FIELDS = 1_000
MAX_PARTS = 200
MAX_FILE_TEXT = 256 * 1024
MAX_XML_NODES = 100_000

_BOM = b"\xef\xbb\xbf"
_NUL = b"\\u0000"
# What Python and PostgreSQL can store (characters, escapes, surrogate pairs), and then what they can't.
_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_UNSTORABLE = rb"(?!" + _PAIR + rb")\\u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000)"
_ESCAPES = re.compile(
    rb"((?:[^\\]++|" + _PAIR + rb"|(?!" + _UNSTORABLE + rb")\\.)*+)((?:" + _UNSTORABLE + rb")++|\\?\Z)", re.DOTALL
)
# Strings match first, so that their content isn't taken for a number.
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*+"?|(?<![\w.])([+-]?(?:NaN|nan|Infinity|inf)\b)', re.DOTALL)
_NO_ELEMENTS = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)
_TOO_MUCH_XML = f"The XML has over {MAX_XML_NODES:,} elements or is nested deeper than {MAX_DEPTH}"
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")
# Types in which the first bytes are no byte order mark.
_BINARY_TYPES = ("multipart/form-data", "application/octet-stream")
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/csv", "message/")


def parse(body: bytes, content_type: str) -> JSON:
    """Return the body as templates see it; an empty body is None, whatever its type.

    JSON (`application/json`, `+json`): as it is; the last of duplicate keys wins, invalid characters become
    U+FFFD. Forms: `{name: text}`, a list where a name is repeated; the parameter `json-field` of their type names
    fields that hold JSON or XML (see `embedded`). Multipart: the same, a part of JSON is its value, a file is
    `{"filename", "content_type", "size"}` and, when it is text of up to 256 KiB, `"text"`. XML: a tree, attributes as
    `@name`, text beside them as `#text`. A token (`application/jwt`): its claims. No content type: JSON if it is
    valid JSON, or else text. Everything else: text by its charset.
    Raises PayloadError for a body that is not what its type says, or is past a limit: MAX_DEPTH, those of JSON in
    `json_size`, MAX_FIELDS of a form, MAX_PARTS, MAX_XML_NODES.
    """
    if not body:
        return None
    if content_type == "application/json":
        return _json(charsets.without_bom(body) or body)
    kind, options = options_of(content_type)
    charset = options.get("charset", "")
    unmarked = None if kind in _BINARY_TYPES else charsets.without_bom(body)
    if unmarked is not None:
        body, charset = unmarked, "utf-8"
    if not kind:
        return _guess(body)
    if kind.endswith(("/json", "+json")):
        return _json(_as_utf8(body, charset))
    if kind == "application/x-www-form-urlencoded":
        return _parse_form_fields(_form(body, charset), options)
    if kind == "multipart/form-data":
        return _parse_form_fields(_multipart(body, options.get("boundary", "")), options)
    if kind.endswith(("/xml", "+xml")):
        return _xml(body, charset)
    if kind == "application/jwt":
        return _json(_claims(body))
    return charsets.text(body, charset)


@lru_cache(maxsize=256)
def options_of(content_type: str) -> tuple[str, Mapping[str, str]]:
    """Return a media type and its parameters."""
    kind, options = multipart.parse_options_header(content_type)
    return kind, options


def _json(body: bytes) -> JSON:
    if json_size.is_too_large(body):
        raise PayloadError(f"The body has {json_size.TOO_MANY}; send it in several smaller ones")
    if _NUL in body:
        body = _replace_invalid(body)
    try:
        value = numerals.decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_leniently(body)
    if json_size.containers(body) > MAX_DEPTH:
        check_depth(value)
    return value  # type: ignore[no-any-return]


def _claims(body: bytes) -> bytes:
    """Return the JSON of a token's claims, which request verification has checked."""
    pieces = body.strip().split(b".")
    try:
        return urlsafe_b64decode(pieces[1] + b"=" * (-len(pieces[1]) % 4))
    except (IndexError, ValueError):
        raise PayloadError("The body is not a JSON Web Token") from None


def _decode_leniently(body: bytes) -> Any:
    try:
        return numerals.decode(_replace_invalid(body))
    except RecursionError:
        raise _too_deep() from None
    except msgspec.DecodeError as error:
        if not body.removeprefix(_BOM).strip():
            return None
        raise PayloadError(f"The body is not valid JSON: {_invalid_number(body) or _plain(error)}") from None


def _invalid_number(body: bytes) -> str:
    """Return the reason if the JSON has a number that JSON doesn't allow, such as NaN; "" if it has none."""
    word = next((match[1] for match in _NO_NUMBER.finditer(body) if match[1]), None)
    return f"it has {word.decode()} in it, a number that JSON can't have" if word else ""


_PLAIN = {
    "Input data was truncated": "it ends too early",
    "Number out of range": "a number in it is too large, as 1e400",
}


def _plain(error: Exception) -> str:
    message = str(error).removeprefix("JSON is malformed: ").partition(" - at ")[0]
    is_name = message[1:2].isupper()
    return _PLAIN.get(message) or (message if is_name else message[:1].lower() + message[1:])


def _replace_invalid(body: bytes) -> bytes:
    """Replace invalid UTF-8, lone surrogates and NUL in a JSON text by U+FFFD, and remove a byte order mark."""
    text = body.removeprefix(_BOM).decode("utf-8", "replace").encode()
    return _ESCAPES.sub(_without_half_pairs, text) if rb"\u" in text else text


def _without_half_pairs(match: re.Match[bytes]) -> bytes:
    return match[1] + (rb"\ufffd" * (len(match[2]) // 6) or match[2])


def _as_utf8(body: bytes, charset: str) -> bytes:
    if not charset or charset.lower() in ("utf-8", "utf8", "us-ascii"):
        return body
    return charsets.text(body, charset).encode("utf-8", "replace")


def check_depth(value: Any) -> None:
    """Raise PayloadError for a JSON value that is nested deeper than MAX_DEPTH."""
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
    return charsets.text(body, "")


def _form(body: bytes, charset: str) -> dict[str, Any]:
    if charset.lower().startswith(("utf-16", "utf-32")):
        body, charset = charsets.text(body, charset).encode("utf-8", "replace"), "utf-8"
    if body.count(b"&") >= MAX_FIELDS:
        raise PayloadError(f"The form has more than {MAX_FIELDS:,} fields")
    values: dict[str, Any] = {}
    for name, value in forms.fields(body.strip(b"\r\n"), charset):
        _add(values, name.replace("\0", "\ufffd"), value.replace("\0", "\ufffd"))
    return values


def _parse_form_fields(form: dict[str, Any], options: Mapping[str, str]) -> JSON:
    names = options.get(FORM_FIELDS, "")
    return embedded.parse_fields(form, names, _json, _xml) if names else form


def _add(values: dict[str, Any], name: str, value: Any) -> None:
    """Set a name, or make a list of its values where it is repeated."""
    if name not in values:
        values[name] = value
    elif isinstance(values[name], list):
        values[name].append(value)
    else:
        values[name] = [values[name], value]


def _multipart(body: bytes, boundary: str) -> dict[str, Any]:
    if not boundary or len(boundary) > 200:
        raise PayloadError("The multipart body has no usable boundary in its content type")
    values: dict[str, Any] = {}
    try:
        parts = list(multipart_forms.parts(body, boundary, MAX_PARTS))
    except multipart.MultipartError as error:
        reason = _plain(Exception(error.args[0] if error.args else error))
        raise PayloadError(f"The multipart body can't be read: {reason}") from None
    charset = next((part.content.decode("ascii", "replace").strip() for part in parts if part.name == "_charset_"), "")
    _check_json_parts(parts)
    for part in parts:
        _add(values, part.name, _part_value(part, part.charset or charset))
    check_depth(values)
    return values


def _check_json_parts(parts: list[Part]) -> None:
    """Raise PayloadError if the JSON in all parts together may be too large; each is also checked by itself."""
    if sum(json_size.containers(part.content) for part in parts if _is_json(part)) > json_size.MAX_CONTAINERS:
        raise PayloadError(f"The body has {json_size.TOO_MANY}; send it in several smaller ones")


def _is_json(part: Part) -> bool:
    return part.filename is None and part.content_type.lower().endswith(("/json", "+json"))


def _part_value(part: Part, charset: str) -> Any:
    if _is_json(part):
        try:
            return _json(charsets.without_bom(part.content) or _as_utf8(part.content, charset))
        except PayloadError:
            return charsets.text(part.content, charset)
    if part.filename is None:
        return charsets.text(charsets.without_bom(part.content) or part.content, charset)
    kind = part.content_type or "application/octet-stream"
    value: dict[str, Any] = {"filename": part.filename, "content_type": kind, "size": len(part.content)}
    if kind.startswith(_TEXT_TYPES) and len(part.content) <= MAX_FILE_TEXT:
        value["text"] = charsets.text(part.content, charset)
    return value


def _xml(body: bytes, charset: str) -> JSON:
    text = charsets.text(body, charset or _declared_charset(body)).lstrip("\ufeff \t\r\n")
    # Declarations of entities and default attributes let a small document grow without limit.
    if ("<!ENTITY" in text or "<!ATTLIST" in text) and _declares(text):
        raise PayloadError("The XML declares entities or default attributes; Relay reads none that does")
    if _is_too_large(text):
        raise PayloadError(_TOO_MUCH_XML)
    try:
        tree = xmltodict.parse(text, encoding="utf-8", postprocessor=_counter())
    except (ExpatError, ValueError) as error:
        raise PayloadError(f"The body is not valid XML: {_plain(error)}") from None
    check_depth(tree)
    return tree


def _declares(text: str) -> bool:
    """Return whether there is a declaration, and not only its text in a comment or a CDATA section."""
    declared: list[bool] = []

    def stop(*_: Any) -> None:
        raise StopIteration

    def note_declaration(*_: Any) -> None:
        declared.append(True)
        raise StopIteration

    parser = ParserCreate("utf-8")
    parser.EntityDeclHandler = parser.AttlistDeclHandler = note_declaration
    parser.StartElementHandler = stop  # Declarations precede the first element.
    with suppress(StopIteration, ExpatError):
        parser.Parse(text.encode("utf-8", "replace"), True)
    return bool(declared)


def _is_too_large(text: str) -> bool:
    """Return whether there are too many elements, without parsing any; attributes are counted while parsing."""
    return _elements(text) > MAX_XML_NODES and _elements(_NO_ELEMENTS.sub("", text)) > MAX_XML_NODES


def _elements(text: str) -> int:
    return text.count("<") - text.count("</") - text.count("<!") - text.count("<?")


def _declared_charset(body: bytes) -> str:
    declared = _DECLARATION.match(body.removeprefix(_BOM))
    return declared[1].decode("ascii") if declared else ""


def _counter() -> Callable[[Any, str, Any], tuple[str, Any]]:
    remaining = MAX_XML_NODES

    def count(path: Any, key: str, value: Any) -> tuple[str, Any]:
        nonlocal remaining
        remaining -= 1
        if remaining < 0 or len(path) > MAX_DEPTH:
            raise PayloadError(_TOO_MUCH_XML)
        return key, value

    return count
