"""Which runs a call means: by the words of its query, as the page of runs has them."""

from __future__ import annotations

from typing import Any

from relay import ids
from relay.api.access import ApiRequest
from relay.api.errors import Refused
from relay.models import RunState, choosing

_WORDS = ("text", "code", "destination", "since", "until", "issue")


def chosen(request: ApiRequest) -> dict[str, Any]:
    """The filter, as the page of runs has it; Refused for a word that makes no sense, so that nobody gets all."""
    query = request.GET
    states, flow = query.getlist("state"), query.get("flow", "")
    if set(states) - set(RunState.values):
        raise Refused(422, f"state is one of {', '.join(RunState.values)}")
    if flow and ids.row(flow) is None:
        raise Refused(422, "flow is the id of a flow")
    for name in ("since", "until"):
        if query.get(name) and choosing.day(query[name]) is None:
            raise Refused(422, f"{name} is a day, as 2026-03-01")
    found: dict[str, Any] = {name: query.get(name, "").replace("\x00", "")[:500] for name in _WORDS}
    found |= {"state": states, "flow": ids.row(flow)}
    return {name: value for name, value in found.items() if value}


def chosen_many(request: ApiRequest) -> dict[str, Any]:
    """The same for what changes many: that all are meant has to be said."""
    unknown = sorted(set(request.GET) - {*_WORDS, "state", "flow", "all"})
    if unknown:
        raise Refused(422, f"Runs can't be chosen by {', '.join(unknown)[:200]}")
    found = chosen(request)
    if not found and request.GET.get("all") != "true":
        raise Refused(422, "Say which runs are meant, as ?state=waiting does, or ?all=true")
    return found
