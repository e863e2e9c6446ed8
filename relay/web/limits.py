"""The part of a trigger's form that says who may send, how often and how much."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import QueryDict

from relay.web import posted, rows

_GAPS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """A trigger's limits as the form shows them; of a draft whatever stands there."""

    allow_ips: str
    rate: str
    max_bytes: str
    usual_bytes: int

    @property
    def is_set(self) -> bool:
        return bool(self.allow_ips or self.rate or self.max_bytes)


def shown(trigger: dict[str, Any]) -> Limits:
    addresses = trigger.get("allow_ips")
    return Limits(
        "\n".join(map(rows.shown, addresses)) if isinstance(addresses, list) else rows.shown(addresses or ""),
        rows.shown(trigger.get("rate") or ""),
        rows.shown(trigger.get("max_bytes") or ""),
        settings.MAX_BYTES,
    )


def read(data: QueryDict) -> dict[str, Any]:
    """The keys of the trigger that the form posted; what is empty is None, what is no number stays as it was typed."""
    if "allow_ips" not in data:
        return {}
    size = posted.text(data, "max_bytes", limit=10).strip()
    return {
        "allow_ips": [part for part in _GAPS.split(posted.text(data, "allow_ips")) if part] or None,
        "rate": posted.text(data, "rate", limit=20).strip() or None,
        "max_bytes": (int(size) if size.isascii() and size.isdigit() else size) or None,
    }
