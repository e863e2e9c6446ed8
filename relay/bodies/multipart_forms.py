"""Parses multipart forms, with names and file names in every encoding that senders use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import multipart  # type: ignore[import-untyped]

from relay.bodies import charsets
from relay.bodies.percent import unquote

MAX_HEADER_BYTES = 4_096
MAX_HEADERS = 8

_EXTENDED = re.compile(r"([\w-]*)'[\w-]*'(.*)", re.DOTALL)
# Matches every parameter, so that no quoted text is taken for one. Relevant are name*=, name*0= and name*0*=.
_PARAMETER = re.compile(r""";\s*([\w-]+)(?:(\*)(?:(\d{1,3})(\*)?)?)?\s*=\s*("(?:[^"\\]|\\.)*+"|[^;"]*)""")


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `filename` is None for a field; `content_type` is "" if the part has none."""

    name: str
    filename: str | None
    content_type: str
    charset: str
    content: bytes


def parts(body: bytes, boundary: str, max_parts: int) -> Iterator[Part]:
    """Yield every part; raises multipart.MultipartError if they are invalid or more than `max_parts`."""
    parser = multipart.PushMultipartParser(
        boundary, max_header_size=MAX_HEADER_BYTES, max_header_count=MAX_HEADERS, max_segment_count=max_parts
    )
    segment: multipart.MultipartSegment | None = None
    chunks: list[bytes] = []
    with parser:
        for event in (*parser.parse(body), *(parser.parse(b"") if not parser.closed else ())):
            if isinstance(event, multipart.MultipartSegment):
                segment, chunks = event, []
            elif event:
                chunks.append(bytes(event))
            elif segment is not None:
                yield _part(segment, b"".join(chunks))


def _part(segment: Any, content: bytes) -> Part:
    name, filename = named(segment)
    return Part(name, filename, _plain(segment.content_type or ""), segment.charset or "", content)


def named(segment: Any) -> tuple[str, str | None]:
    """Return the name of a part and its file name, which is None for a field."""
    parameters = _extended(segment.header("Content-Disposition", "") or "")
    name = _plain(parameters.get("name", segment.name or ""))
    return name, _optional(parameters.get("filename", segment.filename))


def file_name(disposition: str) -> str:
    """Return the file name in a Content-Disposition header; "" if there is none."""
    extended = _extended(disposition).get("filename")
    return _plain(extended or multipart.parse_content_disposition(disposition)[2] or "")


def _optional(text: str | None) -> str | None:
    return None if text is None else _plain(text)


def _plain(header: str) -> str:
    """Return a text from a part's headers, with U+FFFD for invalid characters."""
    return header.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _extended(header: str) -> dict[str, str]:
    """Return RFC 2231 and 5987 parameters: `filename*=utf-8''%D0%A1`, or in pieces `filename*0*=`, `filename*1=`."""
    if "*" not in header:
        return {}
    by_name: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, is_extended, number, star, value in _PARAMETER.findall(header):
        if not is_extended:
            continue
        pieces = by_name.setdefault(name.lower(), {})
        # A whole value takes precedence over pieces.
        pieces[int(number) if number else -1] = (_unquoted(value), bool(star) or not number)
    return {name: _joined(pieces) for name, pieces in by_name.items() if -1 in pieces or 0 in pieces}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value.rstrip()


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    first = -1 if -1 in pieces else 0
    value, is_encoded = pieces[first]
    match = _EXTENDED.fullmatch(value) if is_encoded else None
    charset, value = match.groups() if match else ("", value)
    chunks, index = [_bytes(value, is_encoded)], 1
    while first == 0 and index in pieces:
        chunks.append(_bytes(*pieces[index]))
        index += 1
    return charsets.text(b"".join(chunks), charset)


def _bytes(value: str, is_encoded: bool) -> bytes:
    text = value.encode("utf-8", "replace")
    return unquote(text) if is_encoded else text
