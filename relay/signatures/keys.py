"""Secrets, and the keys that they become. A missing or empty secret is no key, ever."""

from __future__ import annotations

import binascii
import hashlib
import unicodedata
from base64 import b64decode
from collections.abc import Mapping
from typing import TypeAlias

from relay.signatures.scheme import Key

# One text, or several by their names: {"public_key": ..., "private_key": ...}.
Secret: TypeAlias = str | Mapping[str, str]

_URLSAFE = str.maketrans("-_", "+/")


def part(secret: Secret, name: str) -> str:
    """One value of a secret; a secret that is one text is all its values. Empty where there is none."""
    value = secret if isinstance(secret, str) else secret.get(name, "")
    return value if isinstance(value, str) and value.strip() else ""


def key_of(secret: Secret, how: Key) -> bytes | None:
    """The key that a secret becomes; None where it is missing, empty or not written as it should be."""
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
