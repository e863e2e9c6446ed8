"""Reads when a service asks to be called again, from Retry-After and from the headers that its connector names."""

from __future__ import annotations

from collections.abc import Mapping

from relay import backoff
from relay.connectors.definition import Wait

_SECONDS = {"seconds": 1.0, "milliseconds": 0.001}


def retry_after(waits: tuple[Wait, ...], headers: Mapping[str, str], now: float) -> str | None:
    """The value of Retry-After, or the seconds that the first valid one of `waits` says if they are more.

    `headers`: those of the answer, with lowercase names. `now`: Unix time.
    """
    standard = headers.get("retry-after")
    named = next((seconds for wait in waits if (seconds := _seconds(wait, headers, now)) is not None), None)
    if named is None or named <= (backoff.parse_retry_after(standard, now) or 0.0):
        return standard
    return f"{named:.3f}"


def _seconds(wait: Wait, headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that a header says, from 0 to a day; None if it is missing, invalid or does not apply."""
    if wait.only_if is not None and headers.get(wait.only_if[0].lower(), "").strip() != wait.only_if[1]:
        return None
    number = backoff.parse_number(headers.get(wait.header.lower(), ""))
    if number is None:
        return None
    seconds = number - now if wait.unit == "unix" else number * _SECONDS[wait.unit]
    return min(max(seconds, 0.0), backoff.MAX_RETRY_AFTER)
