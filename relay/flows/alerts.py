"""Reads the alert settings of a flow: after how long an alert for the same issue is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relay import backoff
from relay.errors import Fault
from relay.flows.document import Alerts

DEFAULT_SILENCE = "1h"
# More frequent alerts are not read, and two alert flows could trigger each other endlessly.
MIN_SILENCE_SECONDS = 60.0


def alert_settings(document: dict[str, Any]) -> Alerts:
    """The alert settings of a document, finished or not; the usual ones if they are invalid."""
    settings = document.get("settings")
    given = settings.get("alerts") if isinstance(settings, dict) else None
    try:
        wanted = msgspec.convert(given or {}, Alerts)
        silence_seconds(wanted)
    except (msgspec.ValidationError, ValueError):
        return Alerts()
    return wanted


def silence_seconds(alerts: Alerts) -> float:
    """The seconds for which an alert for the same issue is not repeated. Raises ValueError for an invalid time."""
    text = DEFAULT_SILENCE if alerts.silence is None else alerts.silence
    seconds = backoff.seconds(text)
    if seconds < MIN_SILENCE_SECONDS:
        raise ValueError(f"{text[:40]!r} is shorter than a minute; write 1m to 30d, or null for {DEFAULT_SILENCE}")
    return seconds


def faults(alerts: Alerts) -> Iterator[Fault]:
    """Yields the faults of alert settings whose types are valid."""
    try:
        silence_seconds(alerts)
    except ValueError as error:
        yield Fault("settings.alerts.silence", str(error))
