"""Endpoints for issues: list, get, resolve, mute, replay; and for the flow that receives alerts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest, forbid_flows
from relay.api.errors import ApiError
from relay.engine.alerts import alert_messages, alerts, issues
from relay.models import Issue, IssueState, ReplayMode

router = Router(tags=["issues"])
alerts_router = Router(tags=["issues"])


def _find(request: ApiRequest, ref: str) -> Issue:
    return get_object_or_404(request.workspace.issues.select_related("flow", "workspace"), pk=request_body.number(ref))


@router.get("", url_name="issues")
def listing(request: ApiRequest, state: str = "open", flow: int | None = None, limit: int = 50) -> dict[str, Any]:
    """List the issues in a state (`open`, `resolved`, `muted`), of all flows or one, the most recent failure first."""
    if state not in IssueState.values:
        raise ApiError(422, f"state is one of {', '.join(IssueState.values)}")
    if not 1 <= limit <= request_body.MAX_PAGE_ROWS or (flow is not None and not 0 <= flow < 1 << 63):
        raise ApiError(422, f"limit is a number from 1 to {request_body.MAX_PAGE_ROWS}, flow the id of a flow")
    rows = request.workspace.issues.filter(state=state).select_related("flow", "workspace")
    if flow is not None:
        rows = rows.filter(flow=flow)
    return {"issues": [alert_messages.record(issue) for issue in rows.order_by("-last_at", "pk")[:limit]]}


@router.get("/{ref}", url_name="issue")
def show(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Get one issue."""
    return alert_messages.record(_find(request, ref))


@router.post("/{ref}/replay", url_name="replay-issue")
def replay(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Resolve an issue and replay its failed runs: `{"mode": "failed_steps"}` (default), `"from_start"` or
    `"as_it_was"`, `{"per_minute": 30}`. Returns the number of the batch."""
    forbid_flows(request)
    options = request_body.options(request)
    mode, pace = request_body.mode(options, ReplayMode.FAILED_STEPS), request_body.per_minute(options)
    issue = _find(request, ref)
    batch = issues.replay(issue, mode, per_minute=pace)
    return {**alert_messages.record(issue), "batch": batch.pk, "runs": batch.total - batch.skipped}


def _add_action(word: str, action: Callable[[Issue], None]) -> None:
    def act(request: ApiRequest, ref: str) -> dict[str, Any]:
        issue = _find(request, ref)
        action(issue)
        return alert_messages.record(issue)

    act.__doc__ = action.__doc__
    router.post(f"/{{ref}}/{word}", url_name=f"{word}-issue", operation_id=f"{word}-issue")(act)


for _word, _action in (("resolve", issues.resolve), ("mute", issues.mute), ("unmute", issues.unmute)):
    _add_action(_word, _action)


@alerts_router.get("", url_name="alerts")
def recipients(request: ApiRequest) -> dict[str, Any]:
    """Get who receives alerts: a flow, and email addresses."""
    return alerts.recipients(request.workspace)


@alerts_router.put("", url_name="choose-alert-flow")
def choose(request: ApiRequest) -> dict[str, Any]:
    """Choose the flow that receives alerts as events: `{"flow": 7}`, or `{"flow": null}` for none."""
    options = request_body.options(request)
    number = options.get("flow", "")
    if number is not None and (type(number) is not int or not 0 <= number < 1 << 63):
        raise ApiError(422, "flow is the id of a flow, or null")
    flows = request.workspace.flows.select_related("live_version")
    alerts.set_alert_flow(request.workspace, None if number is None else get_object_or_404(flows, pk=number))
    return alerts.recipients(request.workspace)
