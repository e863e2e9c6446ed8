"""What a call brings: references, and small JSON objects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from relay import ids
from relay.api.errors import Refused
from relay.engine import assumed, dryrun
from relay.engine.eventshape import written
from relay.errors import RelayError
from relay.models import Flow, ReplayMode

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


def document(flow: Flow, wanted: dict[str, Any]) -> dict[str, Any]:
    """The `document` of a call, or that of the flow's `version`: a number, `live`, or its draft (default)."""
    if "document" in wanted:
        if not isinstance(wanted["document"], dict):
            raise Refused(422, "document is a flow document, as a JSON object")
        return dict(wanted["document"])
    try:
        return dryrun.document_of(flow, str(wanted.get("version", "draft")))
    except RelayError as error:
        raise Refused(422, str(error)) from None


def event(flow: Flow, value: Any) -> Any:
    """An event written down; of a text that is the reference of one of the flow's events, that one."""
    if not isinstance(value, str):
        return value
    return written(get_object_or_404(flow.events, pk=number(value)))


def answers(wanted: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The `answers` that a call takes actions to be given."""
    try:
        return assumed.check(wanted.get("answers") or {})
    except RelayError as error:
        raise Refused(422, str(error)) from None


def mode(wanted: dict[str, Any], usual: ReplayMode) -> ReplayMode:
    """The `mode` in which a call wants runs replayed."""
    word = wanted.get("mode", usual.value)
    if word not in ReplayMode.values:
        raise Refused(422, f"mode is one of {', '.join(ReplayMode.values)}")
    return ReplayMode(word)


def per_minute(wanted: dict[str, Any]) -> int:
    """How many replays a minute a call wants; 0: as fast as they go."""
    pace = wanted.get("per_minute", 0)
    if type(pace) is not int:
        raise Refused(422, "per_minute is a whole number")
    return pace


def time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
