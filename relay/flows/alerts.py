"""Alerts: when people are told that something fails, and for how long the same is not told again."""

from __future__ import annotations

from collections.abc import Iterator

from relay import backoff
from relay.errors import Fault
from relay.flows.document import Alerts

USUAL_SILENCE = "1h"
SHORTEST = 60.0  # seconds; what is told more often is read by nobody, and two flows could tell each other for ever


def silence(alerts: Alerts) -> float:
    """Seconds for which the same issue is not told again; ValueError for what is no such time."""
    text = USUAL_SILENCE if alerts.silence is None else alerts.silence
    found = backoff.seconds(text)
    if found < SHORTEST:
        raise ValueError(f"{text[:40]!r} is shorter than a minute; write 1m to 30d, or null for {USUAL_SILENCE}")
    return found


def faults(alerts: Alerts) -> Iterator[Fault]:
    """What is wrong with the settings of alerts, besides their shape."""
    try:
        silence(alerts)
    except ValueError as error:
        yield Fault("settings.alerts.silence", str(error))
