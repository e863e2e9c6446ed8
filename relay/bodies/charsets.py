"""Decodes text by the charset that a sender names, if it is in a list of known charsets."""

from __future__ import annotations

import codecs
import re

# Not every Python codec: some take quadratic time, and some are no charset.
_CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?[lb]e)?|(us-)?ascii|(iso-?)?8859-\d+|iso8859\d+|latin-?\d+|(windows-|cp-?)\d+|koi8-[ru]"
    r"|shift-?jis|sjis|euc-?(jp|kr)|iso-2022-(jp|kr)|gb(2312|k|18030)|big5"
)


_UTF_8_BOM = codecs.BOM_UTF8
_utf_8_boms = re.compile(b"(?:%s)++" % _UTF_8_BOM).match
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_WIDE_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKED = frozenset(b"\xef\xff\xfe\0")


def is_known(charset: str) -> bool:
    """Return whether Relay decodes text in this charset."""
    name = charset.lower().replace("_", "-")
    if not _CHARSETS.fullmatch(name):
        return False
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def without_bom(body: bytes) -> bytes | None:
    """Return `body` as UTF-8 without byte order marks; None if it doesn't begin with one."""
    if not body or body[0] not in _MARKED:
        return None
    codec = next((codec for mark, codec in _WIDE_BOMS if body.startswith(mark)), "")
    if codec:
        body = body.decode(codec, "replace").encode("utf-8", "replace")
    elif not body.startswith(_UTF_8_BOM):
        return None
    marks = _utf_8_boms(body)
    return body[marks.end() :] if marks else body


def text(body: bytes, charset: str) -> str:
    """Decode text by its charset, or as UTF-8 if Relay doesn't know it; invalid bytes become U+FFFD."""
    if not charset and body.isascii() and b"\0" not in body:
        return body.decode("ascii")
    name = charset.lower().replace("_", "-")
    codec = name if _CHARSETS.fullmatch(name) else "utf-8"
    try:
        decoded = body.decode("utf-8-sig" if codec == "utf-8" else codec, "replace")
    except LookupError:
        decoded = body.decode("utf-8", "replace")
    return decoded.replace("\0", "\ufffd")
