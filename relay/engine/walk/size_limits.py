"""Limits the bytes that a run may keep in its trail and in its stored requests and answers."""

from __future__ import annotations

from typing import Any

import msgspec

from relay import masking
from relay.bodies import numerals

MAX_TRAIL_BYTES = 4 * 1024 * 1024
# Requests and answers of one run; beyond this, only the first SHORT_BODY_CHARS of each body are stored.
MAX_ATTEMPT_BYTES = 16 * 1024 * 1024
SHORT_BODY_CHARS = 1_000
# Requests, answers and messages that a walk may keep in memory before it is settled.
MAX_UNSETTLED_BYTES = 1024 * 1024
MIN_NOTED_BYTES = 4 * 1024  # smaller attempts are not noted in the trail


def json_bytes(value: Any) -> int:
    """The bytes of a value as JSON."""
    try:
        return len(numerals.encode(value))
    except (UnicodeEncodeError, RecursionError):
        return len(masking.masked_json(value, ()).encode())


def shortened(record: str | None) -> str | None:
    """A stored request or answer with only the start of its body."""
    if record is None or len(record) <= MIN_NOTED_BYTES:
        return record
    fields = msgspec.json.decode(record)
    fields["body"], fields["truncated"] = (fields.get("body") or "")[:SHORT_BODY_CHARS], True
    return msgspec.json.encode(fields).decode()
