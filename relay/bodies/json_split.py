"""Splits large JSON into its files, which are base64 texts, and a short JSON in which these texts are empty."""

from __future__ import annotations

import binascii
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from relay.bodies import json_files, payloads
from relay.bodies.multipart_split import FileSink, TooLarge
from relay.errors import PayloadError

# Texts of at least this many bytes are taken out; shorter ones stay where they are.
MIN_BYTES = 4 * 1024
_PIECE = 256 * 1024
_ESCAPES = ((b"\\/", b"/"), (b"\\r", b""), (b"\\n", b""), (b"\\t", b""), (b"\r", b""), (b"\n", b""), (b" ", b""))
_ALPHABET = bytes.maketrans(b"-_", b"+/")


class Data(Protocol):
    """Bytes, or a file that is mapped into memory."""

    def find(self, sub: bytes, start: int = ..., end: int = ..., /) -> int: ...
    def __getitem__(self, index: slice, /) -> bytes: ...
    def __len__(self) -> int: ...


# Path of the field, file name and media type, as the sender wrote them.
Opens = Callable[[str, str, str], FileSink]


def split(data: Data, paths: Sequence[str], *, opens: Opens, max_form: int) -> bytes:
    """Pass each long file at `paths` to a sink from `opens`, decoded, and return the JSON with "" in its place.

    Memory holds the short JSON and a piece of a file. Raises PayloadError if it isn't JSON or a text isn't base64,
    TooLarge if the rest is longer than `max_form` bytes.
    """
    mark = secrets.token_hex(16)
    short, spans = _taken_out(data, mark, max_form)
    value = payloads.parse(short, "application/json")
    named = {one.content: one for one in json_files.files_in(value, paths)}
    for number, (start, end) in enumerate(spans):
        found = named.get(f"{mark}{number:08x}")
        if found is None:
            raise TooLarge("the JSON without its files is too long")
        sink = opens(found.path, found.name, found.media_type)
        for piece in _decoded(data, start, end):
            sink.write(piece)
        sink.close()
    for number in range(len(spans)):
        short = short.replace(f'"{mark}{number:08x}"'.encode(), b'""')
    return short


def _taken_out(data: Data, mark: str, max_form: int) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the JSON with a mark in place of each long text, and where these texts begin and end."""
    kept: list[bytes] = []
    spans: list[tuple[int, int]] = []
    done = size = position = 0
    while (opening := data.find(b'"', position)) >= 0:
        closing = _end_of_text(data, opening + 1, max_form)
        if closing < 0:
            break
        position = closing + 1
        if closing - opening > MIN_BYTES and data.find(b'\\"', opening, closing) < 0:
            kept += (data[done : opening + 1], f"{mark}{len(spans):08x}".encode())
            spans.append((opening + 1, closing))
            size += opening - done
            done = closing
        if size + position - done > max_form or len(spans) > json_files.MAX_FILES:
            raise TooLarge("the JSON without its files is too long")
    if size + len(data) - done > max_form:
        raise TooLarge("the JSON without its files is too long")
    return b"".join([*kept, data[done : len(data)]]), spans


def _end_of_text(data: Data, start: int, max_form: int) -> int:
    """Return where the quote is that ends a text; -1 if there is none.

    Raises TooLarge for a text longer than `max_form` with a quote in it, which is no file.
    """
    position = start
    while (end := data.find(b'"', position)) >= 0:
        if data[end - 1 : end] != b"\\" or _count_slashes(data, start, end) % 2 == 0:
            return end
        if end - start > max_form:
            raise TooLarge("the JSON without its files is too long")
        position = end + 1
    return -1


def _count_slashes(data: Data, start: int, end: int) -> int:
    """Return how many backslashes are before `end`. Examines at most a few times as many bytes as there are."""
    size = 8
    while True:
        piece = data[max(start, end - size) : end]
        count = len(piece) - len(piece.rstrip(b"\\"))
        if count < size:
            return count
        size *= 4


def _decoded(data: Data, start: int, end: int) -> Iterator[bytes]:
    rest = b""
    if data[start : start + 5] == b"data:":
        comma = data.find(b",", start, min(end, start + 400))
        start = comma + 1 if comma >= 0 else start
    while start < end:
        stop = min(start + _PIECE, end)
        if data[stop - 1 : stop] == b"\\" and stop < end:
            stop += 1
        piece = rest + data[start:stop]
        for written, meant in _ESCAPES:
            piece = piece.replace(written, meant)
        start = stop
        whole = len(piece) if start == end else len(piece) // 4 * 4
        rest = piece[whole:]
        yield _bytes(piece[:whole].translate(_ALPHABET), is_last=start == end)


def _bytes(text: bytes, *, is_last: bool) -> bytes:
    padded = text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4) if is_last else text
    try:
        return binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error:
        raise PayloadError("A file in the JSON is not base64") from None
