"""Hashes rendered keys, so that a key of any type and length is stored as 64 characters."""

from __future__ import annotations

import hashlib
from typing import Any

from relay.bodies import numerals


def key_text(key: Any) -> str:
    """A key as text: the text itself, or JSON that is the same for equal values."""
    return key if isinstance(key, str) else numerals.canonical(key)


def key_digest(key: Any) -> str:
    """SHA-256 of the text of a key, as hexadecimal digits."""
    return hashlib.sha256(key_text(key).encode("utf-8", "surrogatepass")).hexdigest()
