"""Reads from a call's query which runs it selects, with the parameters of the page of runs."""

from __future__ import annotations

from typing import Any

from relay import ids
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.models import RunState
from relay.search import filters

_TEXT_FILTERS = ("text", "code", "destination", "since", "until", "issue")


def run_filter(request: ApiRequest) -> dict[str, Any]:
    """Return the filter, as the page of runs has it; raises ApiError for an invalid value, which would select all."""
    query = request.GET
    states, flow = query.getlist("state"), query.get("flow", "")
    if set(states) - set(RunState.values):
        raise ApiError(422, f"state is one of {', '.join(RunState.values)}")
    if flow and ids.row(flow) is None:
        raise ApiError(422, "flow is the id of a flow")
    for name in ("since", "until"):
        if query.get(name) and filters.day(query[name]) is None:
            raise ApiError(422, f"{name} is a day, as 2026-03-01")
    chosen: dict[str, Any] = {name: query.get(name, "").replace("\x00", "")[:500] for name in _TEXT_FILTERS}
    chosen |= {"state": states, "flow": ids.row(flow)}
    return {name: value for name, value in chosen.items() if value}


def many_filter(request: ApiRequest) -> dict[str, Any]:
    """Return the filter of a call that changes many runs; selecting all of them requires `?all=true`."""
    unknown = sorted(set(request.GET) - {*_TEXT_FILTERS, "state", "flow", "all"})
    if unknown:
        raise ApiError(422, f"Runs can't be chosen by {', '.join(unknown)[:200]}")
    narrowing = run_filter(request)
    if not narrowing and request.GET.get("all") != "true":
        raise ApiError(422, "Say which runs are meant, as ?state=waiting does, or ?all=true")
    return narrowing
