"""Encodes and decodes bytes strictly: each value has exactly one text."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode, urlsafe_b64encode

from relay.signatures.scheme import Encoding

_altered = bytes.maketrans(b"-_", b"+/")
_is_hex = re.compile(rb"(?:[0-9a-fA-F]{2})+").fullmatch
_is_lower_hex = re.compile(rb"(?:[0-9a-f]{2})+").fullmatch


def decoded(text: bytes, encoding: Encoding) -> bytes | None:
    """The bytes of `text`; None if it isn't valid in `encoding`."""
    if encoding == "text":
        return text or None
    if encoding == "hex":
        return binascii.unhexlify(text) if _is_hex(text) else None
    if encoding == "lower_hex":
        return binascii.unhexlify(text) if _is_lower_hex(text) else None
    return _base64(text) if encoding == "base64" else _base64url(text)


def encoded(value: bytes, encoding: Encoding) -> bytes:
    """`value` as text."""
    if encoding == "text":
        return value
    if encoding in ("hex", "lower_hex"):
        return value.hex().encode()
    return b64encode(value) if encoding == "base64" else urlsafe_b64encode(value).rstrip(b"=")


def _base64(text: bytes) -> bytes | None:
    try:
        value = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Several texts decode to the same bytes, but encoding gives only one of them.
    return value if value and b64encode(value) == text else None


def _base64url(text: bytes) -> bytes | None:
    """Decodes with or without padding."""
    if b"+" in text or b"/" in text:
        return None
    bare = text.rstrip(b"=")
    padded = bare.translate(_altered) + b"=" * (-len(bare) % 4)
    return _base64(padded) if text in (bare, bare + b"=" * (-len(bare) % 4)) else None
