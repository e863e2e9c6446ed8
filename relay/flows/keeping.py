"""Keeping: for how long a flow's events and runs are kept, and whether their bodies are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relay import backoff

FOREVER = "forever"
LEAST = 3600.0
MOST = 3650 * 86_400.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """`seconds`: None is for ever. `bodies`: whether they are kept after a run has succeeded."""

    seconds: float | None
    bodies: bool


def seconds(retention: str | None) -> float | None:
    """Seconds of "1h" to "3650d"; None for "forever" and for nothing. ValueError for all else."""
    if retention is None or retention == FOREVER:
        return None
    found = backoff.seconds(retention, most=MOST)
    if found < LEAST:
        raise ValueError(f"{retention[:40]!r} is shorter than an hour")
    return found


def keeping(document: Any, *, workspace_days: int) -> Keeping:
    """What a stored document asks for; it may be a half-built draft: what can't be read is as the workspace has it.

    `workspace_days`: days, 0 is for ever.
    """
    found = document.get("settings") if isinstance(document, dict) else None
    settings = found if isinstance(found, dict) else {}
    return Keeping(_asked(settings.get("retention"), workspace_days), settings.get("store_bodies") is not False)


def _asked(retention: Any, workspace_days: int) -> float | None:
    usual = workspace_days * 86_400.0 or None
    if not isinstance(retention, str):
        return usual
    try:
        return seconds(retention)
    except ValueError:
        return usual
