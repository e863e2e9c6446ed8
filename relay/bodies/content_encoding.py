"""Decompresses bodies with a Content-Encoding of gzip, deflate or br, up to a given size."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeAlias

import brotli

from relay.errors import PayloadError

# Each coding is one more layer around the body: servers use one, and proxies may add a second.
MAX_LAYERS = 3
# Members of one gzip file. Each takes a copy of the rest.
MAX_MEMBERS = 100
_GZIP, _ZLIB, _RAW = 31, 15, -15
_ZLIB_METHOD, _ZLIB_CHECK = 8, 31  # RFC 1950: the low bits of the first byte, and the divisor of the first two
_CHUNK_BYTES = 64 * 1024

# The decompressed bytes of a layer, and whether there were more than allowed.
_Decompressed: TypeAlias = tuple[bytes, bool]


def is_compressed(coding: str) -> bool:
    """Return whether a Content-Encoding header names a compression."""
    return any(layer not in ("", "identity") for layer in _layers(coding))


def is_known(coding: str) -> bool:
    """Return whether `decompress` supports every coding in a Content-Encoding header."""
    layers = _layers(coding)
    return len(layers) <= MAX_LAYERS and all(layer in _READERS for layer in layers)


def decompress(body: bytes, coding: str, max_bytes: int, *, is_whole: bool = True) -> tuple[bytes, bool]:
    """Return at max_bytes `max_bytes` decompressed bytes, and whether there were more.

    `coding` is a Content-Encoding header for which `is_known` is true. `is_whole` is False for the start of a body,
    which may end early. At max_bytes `max_bytes` of each layer are decompressed, whatever the body claims.
    Raises PayloadError for a body that is not what the header says.
    """
    is_cut = False
    for name in reversed(_layers(coding)):
        if body:
            body, more = _READERS[name](body, max_bytes, is_whole and not is_cut)
            is_cut = is_cut or more
    return body, is_cut


def _layers(coding: str) -> list[str]:
    return [layer.strip().lower() for layer in coding.split(",")]


def _identity(body: bytes, max_bytes: int, is_whole: bool) -> _Decompressed:
    return body[:max_bytes], len(body) > max_bytes


def _gzip(body: bytes, max_bytes: int, is_whole: bool) -> _Decompressed:
    """Decompress a gzip file of one member or several; any other bytes after them are padding."""
    parts, remaining = list[bytes](), max_bytes + 1
    for _ in range(MAX_MEMBERS):
        part, body = _inflate(body, _GZIP, remaining, is_whole=is_whole)
        parts.append(part)
        remaining -= len(part)
        if remaining <= 0 or not body.startswith(b"\x1f\x8b"):
            break
    else:
        raise PayloadError(f"The body is packed with gzip, in more than {MAX_MEMBERS:,} members")
    return _bounded(b"".join(parts), max_bytes)


def _deflate(body: bytes, max_bytes: int, is_whole: bool) -> _Decompressed:
    """Decompress zlib's format, as RFC 9110 specifies, or the raw stream, which some servers send."""
    has_header = body[0] & 15 == _ZLIB_METHOD and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0
    try:
        data, _ = _inflate(body, _ZLIB if has_header else _RAW, max_bytes + 1, is_whole=is_whole)
    except PayloadError:
        if not has_header:
            raise
        data, _ = _inflate(body, _RAW, max_bytes + 1, is_whole=is_whole)
    return _bounded(data, max_bytes)


def _inflate(body: bytes, window: int, max_bytes: int, *, is_whole: bool) -> tuple[bytes, bytes]:
    """Return at most `max_bytes` of one zlib stream, and the bytes after it."""
    reader = zlib.decompressobj(window)
    try:
        data = reader.decompress(body, max_bytes)
    except zlib.error:
        raise _broken("gzip" if window == _GZIP else "deflate") from None
    if not reader.eof and is_whole and len(data) < max_bytes:
        raise _short("gzip" if window == _GZIP else "deflate")
    return data, reader.unused_data


def _brotli(body: bytes, max_bytes: int, is_whole: bool) -> _Decompressed:
    reader, data = brotli.Decompressor(), bytearray()
    piece = body
    try:
        while len(data) <= max_bytes and not reader.is_finished():
            part = reader.process(piece, output_buffer_limit=min(_CHUNK_BYTES, max_bytes + 1 - len(data)))
            if not part and reader.can_accept_more_data():
                break
            data += part
            piece = b""
    except brotli.error:
        raise _broken("br") from None
    if not reader.is_finished() and is_whole and len(data) <= max_bytes:
        raise _short("br")
    return _bounded(bytes(data), max_bytes)


def _bounded(data: bytes, max_bytes: int) -> _Decompressed:
    return data[:max_bytes], len(data) > max_bytes


def _broken(name: str) -> PayloadError:
    return PayloadError(f"The body is said to be packed with {name}, and can't be unpacked")


def _short(name: str) -> PayloadError:
    return PayloadError(f"The body is packed with {name}, and ends too early")


_READERS: dict[str, Callable[[bytes, int, bool], _Decompressed]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
}
