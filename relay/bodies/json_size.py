"""Estimates how many values a JSON text holds, before it is decoded."""

from __future__ import annotations

import re

# Lists and objects take about 20 times as much time and memory as other values.
MAX_CONTAINERS = 100_000
MAX_VALUES = 500_000
# A string, or the rest of the text if it is unterminated, so that no byte is scanned twice.
_strings = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL).sub
TOO_MANY = f"more than {MAX_CONTAINERS:,} lists and objects or {MAX_VALUES:,} values"


def containers(text: bytes) -> int:
    """Return an upper bound of the lists and objects in a JSON text: brackets in strings are counted, too."""
    return text.count(b"[") + text.count(b"{")


def is_too_large(text: bytes) -> bool:
    """Return whether a JSON text holds more than MAX_CONTAINERS lists and objects, or more than MAX_VALUES values."""
    if len(text) < MAX_CONTAINERS or not _exceeds(text):
        return False
    return _exceeds(_strings(b"0", text))


def _exceeds(text: bytes) -> bool:
    count = containers(text)
    return count > MAX_CONTAINERS or count + text.count(b",") >= MAX_VALUES
