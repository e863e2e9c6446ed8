"""Reads the references and JSON objects that calls contain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from relay import ids
from relay.api.errors import ApiError
from relay.bodies import numerals
from relay.engine.dry_run import assumed_answers, dry_runs
from relay.engine.intake.event_json import event_to_json
from relay.errors import RelayError
from relay.models import Flow, ReplayMode

MAX_PAGE_ROWS = 200
_SENT = frozenset({"event", "answers"})
MAX_CONTAINERS = 100_000  # lists and objects in one call: parsing them takes the most time


def number(ref: str) -> int:
    """Return the id of a reference; raises Http404 for any other text."""
    row_id = ids.number(ref)
    if row_id is None:
        raise Http404
    return row_id


def options(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body; {} for an empty one. Raises ApiError if parsing it would take long."""
    if not request.body:
        return {}
    if request.body.count(b"[") + request.body.count(b"{") > MAX_CONTAINERS:
        raise ApiError(422, f"The body may have {MAX_CONTAINERS:,} lists and objects")
    try:
        value = _keep_sent_numerals(numerals.decode(request.body))
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ApiError(422, "The body must be a JSON object")
    return value


def _keep_sent_numerals(value: Any) -> Any:
    """Keep Numerals in values that are sent to a flow only: a document's numbers are its author's, not a sender's."""
    if not isinstance(value, dict):
        return value
    return {name: item if name in _SENT else numerals.plain(item) for name, item in value.items()}


def document(flow: Flow, options: dict[str, Any]) -> dict[str, Any]:
    """Return the `document` of a call, or that of the flow's `version`: a number, `live` or `draft` (default)."""
    if "document" in options:
        if not isinstance(options["document"], dict):
            raise ApiError(422, "document is a flow document, as a JSON object")
        return dict(options["document"])
    try:
        return dry_runs.document_of(flow, str(options.get("version", "draft")))
    except RelayError as error:
        raise ApiError(422, str(error)) from None


def event(flow: Flow, value: Any) -> Any:
    """Return the event in a call: an object, or the flow's event with that reference."""
    if not isinstance(value, str):
        return value
    return event_to_json(get_object_or_404(flow.events, pk=number(value)))


def answers(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the `answers` of a call: what services are assumed to answer."""
    try:
        return assumed_answers.check(options.get("answers") or {})
    except RelayError as error:
        raise ApiError(422, str(error)) from None


def mode(options: dict[str, Any], default: ReplayMode) -> ReplayMode:
    """Return the replay `mode` of a call."""
    word = options.get("mode", default.value)
    if word not in ReplayMode.values:
        raise ApiError(422, f"mode is one of {', '.join(ReplayMode.values)}")
    return ReplayMode(word)


def per_minute(options: dict[str, Any]) -> int:
    """Return the replays per minute of a call; 0 means as fast as possible."""
    pace = options.get("per_minute", 0)
    if type(pace) is not int:
        raise ApiError(422, "per_minute is a whole number")
    return pace


def time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
