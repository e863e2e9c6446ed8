"""Checks when a request was sent."""

from __future__ import annotations

import re
from datetime import datetime

from relay.signatures.scheme import Timestamp, Unit
from relay.signatures.verdict import Refused

_is_number = re.compile(rb"[0-9]{1,16}").fullmatch
_is_iso = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch


def check(text: bytes, how: Timestamp, now: float, tolerance: int | None) -> None:
    """Raises Refused if `text` is not a time, or is more than `tolerance` seconds from `now`."""
    sent = moment(text, how.unit)
    if tolerance is None:
        return
    age = now - sent
    if age > tolerance:
        raise Refused(f"It was sent {age:.0f} s ago; {tolerance} s are allowed")
    if -age > tolerance and not how.past_only:
        raise Refused(f"It says it was sent {-age:.0f} s in the future; {tolerance} s are allowed")


def moment(text: bytes, unit: Unit) -> float:
    """Seconds since 1970; raises Refused for anything that isn't exactly in the form of `unit`."""
    if unit == "iso":
        return _iso(text)
    if not _is_number(text):
        raise Refused("The timestamp is not a number of 1 to 16 digits")
    return int(text) / 1000 if unit == "ms" else float(int(text))


def _iso(text: bytes) -> float:
    if not _is_iso(text):
        raise Refused("The timestamp is not a time with its zone, as 2026-01-31T12:00:00Z")
    try:
        return datetime.fromisoformat(text.decode()).timestamp()
    except (ValueError, OverflowError):
        raise Refused("The timestamp is a time that does not exist") from None
