"""What a call brings: references, and small JSON objects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.http import Http404, HttpRequest

from relay import ids
from relay.api.errors import Refused

MOST = 200  # things of one page


def number(ref: str) -> int:
    """The id that a reference means; Http404 for what is none."""
    found = ids.number(ref)
    if found is None:
        raise Http404
    return found


def options(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; {} for none."""
    if not request.body:
        return {}
    try:
        value = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(422, "The body must be a JSON object")
    return value


def time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
