"""Encodes text in the charset of its media type, and decodes such bytes for people."""

from __future__ import annotations

import codecs
import re

from relay.errors import RequestRefused, ValueRefused

_charset = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._:+-]{1,40})", re.IGNORECASE).search
# Some Python codecs are no charsets, and some take quadratic time.
_is_charset = re.compile(
    r"(utf|ascii|us-ascii|iso|latin|windows|cp|koi8|mac|shift|sjis|euc|gb|big5|hz)[a-z0-9_-]*", re.IGNORECASE
).fullmatch


def charset_of(media_type: str) -> str:
    """Return the codec of a media type, by default `utf-8`. Raises ValueRefused for an unknown charset."""
    match = _charset(media_type)
    if match is None:
        return "utf-8"
    try:
        if _is_charset(match[1]):
            return codecs.lookup(match[1]).name
    except LookupError:
        pass
    raise ValueRefused("The content type names a charset that Relay doesn't know: use charset=utf-8")


def encoded(text: str, media_type: str) -> bytes:
    """Encode `text` in the charset of `media_type`. Raises RequestRefused for a character that it doesn't have."""
    charset = charset_of(media_type)
    try:
        return text.encode(charset)
    except UnicodeEncodeError as error:
        raise missing_character(error, charset) from None


def missing_character(error: UnicodeEncodeError, charset: str) -> RequestRefused:
    """Return the error for a character that a charset doesn't have."""
    letter = error.object[error.start]
    if "\ud800" <= letter <= "\udfff":
        return ValueRefused("The body has half of a surrogate pair in it, which is no character")
    return RequestRefused(
        f"The body has “{letter}” (U+{ord(letter):04X}) in it, which {charset} doesn't have: "
        "say charset=utf-8, or replace the character"
    )


def decoded(data: bytes, media_type: str) -> str:
    """Decode `data` for people: as UTF-8 if it is valid, or else by the charset of `media_type`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode(charset_of(media_type), "replace")
    except ValueRefused:
        return data.decode(errors="replace")
