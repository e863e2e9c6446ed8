"""Writes a multipart form with a file, as a browser would send it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from relay.bodies.file_names import safe_name, safe_type

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class FormFile(NamedTuple):
    """A file of a form."""

    field: str
    name: str
    type: str
    content: bytes


def encoded(boundary: str, fields: Iterable[tuple[str, str]], file: FormFile) -> bytes:
    """A form with text fields and a file."""
    parts = [_part(boundary, f'name="{_quoted(key)}"', value.encode("utf-8", "replace")) for key, value in fields]
    head = f'name="{_quoted(file.field)}"; filename="{_quoted(safe_name(file.name))}"'
    head += f"\r\nContent-Type: {safe_type(file.type)}"
    return b"".join((*parts, _part(boundary, head, file.content), f"--{boundary}--\r\n".encode()))


def _part(boundary: str, head: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"


def _quoted(text: str) -> str:
    """A text in the header of a part, escaped as browsers do it."""
    return text.encode("utf-8", "replace").decode().translate(_ESCAPES)
