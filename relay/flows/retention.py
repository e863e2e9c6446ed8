"""Reads for how long a flow keeps its events and runs, and whether it keeps their bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relay import backoff

FOREVER = "forever"
MIN_SECONDS = 3600.0
MAX_SECONDS = 3650 * 86_400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """`seconds`: None means forever. `bodies`: whether bodies are kept after a run has succeeded."""

    seconds: float | None
    bodies: bool


def seconds(retention: str | None) -> float | None:
    """The seconds of "1h" to "3650d"; None for "forever" and None. Raises ValueError for anything else."""
    if retention is None or retention == FOREVER:
        return None
    parsed = backoff.seconds(retention, most=MAX_SECONDS)
    if parsed < MIN_SECONDS:
        raise ValueError(f"{retention[:40]!r} is shorter than an hour")
    return parsed


def retention_of(document: Any, *, workspace_days: int) -> Retention:
    """The retention of a stored document, which may be an incomplete draft; by default, that of the workspace.

    `workspace_days`: days, 0 means forever.
    """
    value = document.get("settings") if isinstance(document, dict) else None
    settings = value if isinstance(value, dict) else {}
    return Retention(
        _seconds_or_default(settings.get("retention"), workspace_days), settings.get("store_bodies") is not False
    )


def _seconds_or_default(retention: Any, workspace_days: int) -> float | None:
    default = workspace_days * 86_400.0 or None
    if not isinstance(retention, str):
        return default
    try:
        return seconds(retention)
    except ValueError:
        return default
