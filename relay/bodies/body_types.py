"""Decides the type of a body from its trigger and its bytes, because senders don't sign the Content-Type header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec
import multipart  # type: ignore[import-untyped]

from relay.bodies import charsets

BodyType: TypeAlias = Literal["json", "form", "multipart", "xml", "text", "token"]
BodyTypes: TypeAlias = tuple[BodyType, ...]

MEDIA_TYPES: dict[BodyType, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "xml": "application/xml",
    "text": "text/plain",
    "token": "application/jwt",
}
# For a sender that signs its requests and has no preset. The order is that of the fallback: see `decide`.
SIGNED: BodyTypes = ("json", "xml", "multipart", "form", "text")

# The parameter of a form's content type that names its fields of JSON or XML, with commas between them.
FORM_FIELDS = "json-field"
# The parameter of JSON's content type that names the paths of files in base64.
FILE_FIELDS = "file-field"
MAX_CHARACTERS = 255  # of a content type that is stored

_START_BYTES = 1024  # of a body that are inspected
_BOM = b"\xef\xbb\xbf"
_BOUNDARY = re.compile(rb"--([0-9A-Za-z'()+_,./:=?-]{1,200})\r?\n[Cc]ontent-")
_PATTERNS: tuple[tuple[BodyType, re.Pattern[bytes]], ...] = (
    ("json", re.compile(rb'\{\s*["}]|\[\s*["{\[\]\-0-9tfn]')),
    ("xml", re.compile(rb"<(?!(?:!doctype\s+)?html)[a-z_?!]", re.IGNORECASE)),
    ("multipart", _BOUNDARY),
    ("form", re.compile(rb"[\w.~*%+\[\]-]{1,256}=[^\s<>]*(?:\Z|\r?\n\Z)")),
)


def decide(
    header: str, types: BodyTypes, body: bytes, form_fields: Sequence[str] = (), file_fields: Sequence[str] = ()
) -> str:
    """Return the content type by which `body` is read. `header` is the request's Content-Type header.

    `form_fields` are the fields of a form that hold JSON or XML, see `payloads.parse`; `file_fields` the paths in JSON
    that hold files, see `json_files`.

    Without `types` it is the header's type, except that a token is text, because its claims aren't verified, and that
    JSON with the type of a form, which some programs send, is JSON. With one type it is that type; with several it is
    the one that the first bytes look like, or else the last.
    """
    content_type = _of_types(types, body) if types else _unverified(header, body)
    if file_fields and is_json_type(content_type):
        return _with_parameter(content_type, FILE_FIELDS, file_fields)
    if not types:
        return content_type
    if not form_fields or not is_form(content_type):
        return content_type
    return _with_parameter(content_type, FORM_FIELDS, form_fields)


def _with_parameter(content_type: str, name: str, fields: Sequence[str]) -> str:
    whole = f'{content_type}; {name}="{",".join(fields)}"'
    return whole if len(whole) <= MAX_CHARACTERS else content_type


def is_json_type(content_type: str) -> bool:
    """Return whether a body of this type is JSON."""
    return content_type.partition(";")[0].strip().lower().endswith(("/json", "+json"))


def is_form(content_type: str) -> bool:
    """Return whether a body of this type has fields: a form or a multipart form."""
    return content_type[:40].lower().startswith((MEDIA_TYPES["form"], MEDIA_TYPES["multipart"]))


def without_form_fields(content_type: str) -> str:
    """Return the type of a form without the fields that are parsed as JSON or XML; other types are unchanged."""
    return content_type.partition(f"; {FORM_FIELDS}=")[0]


def _unverified(header: str, body: bytes) -> str:
    if _is_token(header):
        return MEDIA_TYPES["text"]
    if "urlencoded" in header.lower() and is_json(body):
        return MEDIA_TYPES["json"]
    return header


def is_json(body: bytes) -> bool:
    """Return whether the whole body is one JSON object or list."""
    body = charsets.without_bom(body) or body
    ends = body.lstrip()[:1] + body.rstrip()[-1:]
    if ends not in (b"{}", b"[]"):
        return False
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _of_types(types: BodyTypes, body: bytes) -> str:
    if len(types) == 1 and types[0] != "multipart":
        return MEDIA_TYPES[types[0]]
    start = body[:_START_BYTES].removeprefix(_BOM).lstrip()
    body_type = _looks_like(start, types)
    boundary = _BOUNDARY.match(start) if body_type == "multipart" else None
    return f'{MEDIA_TYPES[body_type]}; boundary="{boundary[1].decode()}"' if boundary else MEDIA_TYPES[body_type]


def _looks_like(start: bytes, types: BodyTypes) -> BodyType:
    return next((kind for kind, pattern in _PATTERNS if kind in types and pattern.match(start)), types[-1])


def _is_token(header: str) -> bool:
    return "jwt" in header.lower() and multipart.parse_options_header(header)[0] == MEDIA_TYPES["token"]
