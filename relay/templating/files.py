"""Reads the bytes of files for filters. The engine says how, for the walk of a thread; elsewhere there are no bytes."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from typing import Any

from relay.templating.fuel import expect_text


class _Reading(threading.local):
    read: Callable[[Mapping[str, Any]], bytes] | None = None


# `READING.read` gives the bytes of a file's record; None in previews and dry runs.
READING = _Reading()
_KEYS = frozenset({"id", "name", "type", "size", "link"})


def is_file(value: Any) -> bool:
    """Whether a value is the record of a file."""
    return isinstance(value, dict) and value.keys() >= _KEYS and isinstance(value["id"], str)


def base64_of(record: Mapping[str, Any]) -> str:
    """The bytes of a file as base64; a placeholder in a preview or a dry run. Raises TemplateLimit before reading."""
    size = record["size"] if isinstance(record["size"], int) else 0
    expect_text(max(0, size) * 4 // 3)
    if READING.read is None:
        return f"[base64 of {record['name']}, {size:,} bytes]"
    data = READING.read(record)
    expect_text(len(data) * 4 // 3)
    return base64.b64encode(data).decode()
