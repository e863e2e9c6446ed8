"""Issues: list, get, resolve, mute, replay; and the flow that is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest
from relay.api.errors import Refused
from relay.engine import alerts, alertwords, issues
from relay.models import Issue, IssueState, ReplayMode

router = Router(tags=["issues"])
told = Router(tags=["issues"])


def _found(request: ApiRequest, ref: str) -> Issue:
    return get_object_or_404(request.workspace.issues.select_related("flow", "workspace"), pk=given.number(ref))


@router.get("", url_name="issues")
def listing(request: ApiRequest, state: str = "open", flow: int | None = None, limit: int = 50) -> dict[str, Any]:
    """The issues of a state (`open`, `resolved`, `muted`), of all flows or of one, the last that came first."""
    if state not in IssueState.values:
        raise Refused(422, f"state is one of {', '.join(IssueState.values)}")
    if not 1 <= limit <= given.MOST or (flow is not None and not 0 <= flow < 1 << 63):
        raise Refused(422, f"limit is a number from 1 to {given.MOST}, flow the id of a flow")
    found = request.workspace.issues.filter(state=state).select_related("flow", "workspace")
    if flow is not None:
        found = found.filter(flow=flow)
    return {"issues": [alertwords.record(issue) for issue in found.order_by("-last_at", "pk")[:limit]]}


@router.get("/{ref}", url_name="issue")
def show(request: ApiRequest, ref: str) -> dict[str, Any]:
    """One issue."""
    return alertwords.record(_found(request, ref))


@router.post("/{ref}/replay", url_name="replay-issue")
def replay(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Resolve it and replay its runs that failed: `{"mode": "failed_steps"}` (default), `"from_start"` or
    `"as_it_was"`, `{"per_minute": 30}`; with the number of the batch."""
    wanted = given.options(request)
    mode, pace = given.mode(wanted, ReplayMode.FAILED_STEPS), given.per_minute(wanted)
    issue = _found(request, ref)
    batch = issues.replay(issue, mode, per_minute=pace)
    return {**alertwords.record(issue), "batch": batch.pk, "runs": batch.total - batch.skipped}


def _verb(word: str, verb: Callable[[Issue], None]) -> None:
    def act(request: ApiRequest, ref: str) -> dict[str, Any]:
        issue = _found(request, ref)
        verb(issue)
        return alertwords.record(issue)

    act.__doc__ = verb.__doc__
    router.post(f"/{{ref}}/{word}", url_name=f"{word}-issue", operation_id=f"{word}-issue")(act)


for _word, _done in (("resolve", issues.resolve), ("mute", issues.mute), ("unmute", issues.unmute)):
    _verb(_word, _done)


@told.get("", url_name="alerts")
def who(request: ApiRequest) -> dict[str, Any]:
    """Who is told of issues: the flow, and the addresses that get mails."""
    return alerts.who_is_told(request.workspace)


@told.put("", url_name="choose-alert-flow")
def choose(request: ApiRequest) -> dict[str, Any]:
    """Have a flow told of issues, by events of its trigger: `{"flow": 7}`, or `{"flow": null}` for none."""
    wanted = given.options(request)
    number = wanted.get("flow", "")
    if number is not None and (type(number) is not int or not 0 <= number < 1 << 63):
        raise Refused(422, "flow is the id of a flow, or null")
    flows = request.workspace.flows.select_related("live_version")
    alerts.choose_flow(request.workspace, None if number is None else get_object_or_404(flows, pk=number))
    return alerts.who_is_told(request.workspace)
