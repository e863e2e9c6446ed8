"""Derives keys from secrets. A missing or empty secret is never a key."""

from __future__ import annotations

import binascii
import hashlib
import unicodedata
from base64 import b64decode
from collections.abc import Mapping
from typing import TypeAlias

from relay.signatures.scheme import Key

# A single text, or several by name: {"public_key": ..., "private_key": ...}.
Secret: TypeAlias = str | Mapping[str, str]

_URLSAFE = str.maketrans("-_", "+/")


def part(secret: Secret, name: str) -> str:
    """A value of a secret, or ""; a secret that is a single text stands for each of its values."""
    value = secret if isinstance(secret, str) else secret.get(name, "")
    return value if isinstance(value, str) and value.strip() else ""


def key_of(secret: Secret, how: Key) -> bytes | None:
    """The key of a secret; None if the secret is missing, empty or malformed."""
    text = part(secret, how.part)
    for prefix in how.strip:
        text = text.removeprefix(prefix)
    if how.normalize:
        text = unicodedata.normalize(how.normalize, text)
    if not text.strip():
        return None
    try:
        return _raw(text, how) or None
    except (binascii.Error, ValueError):
        return None


def _raw(text: str, how: Key) -> bytes:
    if how.encoding == "sha1":
        return hashlib.sha1(text.encode(), usedforsecurity=False).digest()
    if how.encoding == "hex":
        return binascii.unhexlify(text.strip())
    if how.encoding == "base64" or (how.encoding == "der" and "-----BEGIN" not in text):
        bare = "".join(text.split()).rstrip("=").translate(_URLSAFE)
        return b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    return text.encode("utf-8", "surrogatepass")
