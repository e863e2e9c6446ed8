"""Builds bodies with files: multipart forms, and bodies that are one file. The bytes are read when they are sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from relay.bodies.file_names import OCTETS, safe_name, safe_type
from relay.connectors.input_coercion import as_text
from relay.errors import ValueRefused
from relay.masking import has_stand_in
from relay.outbound import FilePart

MAX_FIELDS = 200
_KEYS = frozenset({"id", "name", "type", "size", "link"})
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})

# Gives the bytes of a file's record. Raises RelayError for a file that isn't the run's.
OpensFile = Callable[[Mapping[str, Any]], FilePart]


def is_file(value: Any) -> bool:
    """Whether a value is the record of a file."""
    return isinstance(value, dict) and value.keys() >= _KEYS and isinstance(value["id"], str)


def media_type(body: Mapping[str, Any]) -> str:
    """The content type of {"multipart"}, with a new boundary, or of {"file"}."""
    if "file" in body:
        record = body["file"]
        return str(body.get("type") or safe_type(str(record["type"])) if is_file(record) else OCTETS)
    return f"multipart/form-data; boundary=relay-{secrets.token_hex(16)}"


def placeholder(body: Mapping[str, Any], kind: str) -> bytes:
    """The body as it is shown and stored: with the name, type and size of each file in place of its bytes."""
    if "file" in body and has_stand_in(body["file"]):
        return as_text(body["file"]).encode()
    return b"".join(_shown(piece) if isinstance(piece, dict) else piece for piece in _pieces(body, kind))


def parts(body: Mapping[str, Any], kind: str, opens: OpensFile) -> tuple[bytes | FilePart, ...]:
    """The body as it is sent. `kind`: its content type, from `media_type`."""
    return tuple(opens(piece) if isinstance(piece, dict) else piece for piece in _pieces(body, kind))


def holds_files(body: Any) -> bool:
    """Whether a body is of a form that this module builds."""
    return isinstance(body, dict) and ("multipart" in body or "file" in body)


def _shown(record: Mapping[str, Any]) -> bytes:
    name, kind = safe_name(as_text(record["name"])), safe_type(as_text(record["type"]))
    return f"[{name}, {kind}, {as_text(record['size'])} bytes]".encode("utf-8", "replace")


def _pieces(body: Mapping[str, Any], kind: str) -> Iterator[bytes | dict[str, Any]]:
    """Yields bytes, and the record of each file."""
    if "file" in body:
        if not is_file(body["file"]):
            raise ValueRefused("A body that is a file needs one, such as {{ event.files[0] }}")
        yield body["file"]
        return
    fields = body["multipart"]
    if not isinstance(fields, dict):
        raise ValueRefused("A multipart body is an object of names and values")
    delimiter = f"--{kind.rpartition('boundary=')[2]}"
    count = 0
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if item is None:
                continue
            count += 1
            if count > MAX_FIELDS:
                raise ValueRefused(f"A multipart body may have {MAX_FIELDS} fields and files")
            yield _head(delimiter, str(name), item)
            yield item if is_file(item) else as_text(item).encode("utf-8", "replace")
            yield b"\r\n"
    yield f"{delimiter}--\r\n".encode()


def _head(delimiter: str, name: str, value: Any) -> bytes:
    lines = f'{delimiter}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"'
    if is_file(value):
        lines += f'; filename="{safe_name(as_text(value["name"])).translate(_ESCAPES)}"'
        lines += f"\r\nContent-Type: {safe_type(as_text(value['type']))}"
    elif isinstance(value, dict):
        lines += "\r\nContent-Type: application/json"
    return f"{lines}\r\n\r\n".encode("utf-8", "replace")
