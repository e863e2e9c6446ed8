"""Finds the files inside the body of an event: parts of a multipart form, and base64 in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import multipart  # type: ignore[import-untyped]

from relay.bodies import json_files, multipart_forms, payloads
from relay.bodies.body_types import FILE_FIELDS
from relay.bodies.file_names import safe_name, safe_type
from relay.errors import PayloadError

MAX_FIELD = 200  # characters


class InBody(NamedTuple):
    """A file that is inside the body of its event."""

    name: str
    type: str
    size: int
    field: str
    content: bytes | str  # the bytes, or their base64

    def read(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json_files.decoded(self.content)


def may_be_in(content_type: str, body: bytes) -> bool:
    """Whether a body may have files in it; takes a few microseconds."""
    if content_type[:19].lower() == "multipart/form-data":
        return b"ilename" in body or b"ILENAME" in body
    return FILE_FIELDS in content_type


def find(content_type: str, body: bytes, parsed: Any = None) -> Iterator[InBody]:
    """Yield the files inside a body. Nothing if the body is not what its type says."""
    kind, options = payloads.options_of(content_type)
    if kind == "multipart/form-data":
        yield from _in_form(body, options.get("boundary", ""))
        return
    paths = options.get(FILE_FIELDS, "")
    if not paths:
        return
    if parsed is None:
        try:
            parsed = payloads.parse(body, content_type)
        except PayloadError:
            return
    for one in json_files.files_in(parsed, paths.split(",")):
        yield InBody(safe_name(one.name), safe_type(one.media_type), one.size, one.path[:MAX_FIELD], one.content)


def _in_form(body: bytes, boundary: str) -> Iterator[InBody]:
    try:
        for part in multipart_forms.parts(body, boundary, payloads.MAX_PARTS):
            if part.filename is not None and (part.filename or part.content):
                name, kind = safe_name(part.filename), safe_type(part.content_type)
                yield InBody(name, kind, len(part.content), part.name[:MAX_FIELD], part.content)
    except multipart.MultipartError:
        return
