"""Parses and shows the limits of a trigger, sender addresses, rate and size, and its fields with files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import QueryDict

from relay.web.ui import form_data, form_rows

_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a trigger as the form shows them, valid or not."""

    allow_ips: str
    rate: str
    max_bytes: str
    usual_bytes: int
    files: str

    @property
    def is_set(self) -> bool:
        return bool(self.allow_ips or self.rate or self.max_bytes or self.files)


def limits_of(trigger: dict[str, Any]) -> Limits:
    addresses, files = trigger.get("allow_ips"), trigger.get("files")
    return Limits(
        "\n".join(map(form_rows.value_text, addresses))
        if isinstance(addresses, list)
        else form_rows.value_text(addresses or ""),
        form_rows.value_text(trigger.get("rate") or ""),
        form_rows.value_text(trigger.get("max_bytes") or ""),
        settings.MAX_BYTES,
        ", ".join(map(form_rows.value_text, files)) if isinstance(files, list) else form_rows.value_text(files or ""),
    )


def posted_limits(data: QueryDict) -> dict[str, Any]:
    """Return the posted limits by key. An empty one is None; a size that isn't a number is kept as text."""
    if "allow_ips" not in data:
        return {}
    size = form_data.text(data, "max_bytes", limit=10).strip()
    files = [part for part in _SEPARATORS.split(form_data.text(data, "files", limit=500)) if part]
    return {
        **({"files": files or None} if "files" in data else {}),
        "allow_ips": [part for part in _SEPARATORS.split(form_data.text(data, "allow_ips")) if part] or None,
        "rate": form_data.text(data, "rate", limit=20).strip() or None,
        "max_bytes": (int(size) if size.isascii() and size.isdigit() else size) or None,
    }
