"""Endpoints for bulk replays: list, get with progress, start, cancel."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest, forbid_flows
from relay.api.run_filter import many_filter
from relay.engine.alerts import issues
from relay.engine.runs import bulk_replay, replay
from relay.models import Batch

router = Router(tags=["batches"])


def _row(batch: Batch) -> dict[str, Any]:
    return {"id": batch.pk, **bulk_replay.record(batch), "created": request_body.time(batch.created_at)}


def _find(request: ApiRequest, batch_id: int) -> Batch:
    return get_object_or_404(request.workspace.batches.select_related("workspace"), pk=batch_id)


@router.get("", url_name="batches")
def listing(request: ApiRequest) -> dict[str, Any]:
    """List bulk replays, newest first."""
    return {
        "batches": [_row(batch) for batch in request.workspace.batches.order_by("-pk")[: request_body.MAX_PAGE_ROWS]]
    }


@router.get("/{int:batch_id}", url_name="batch")
def show(request: ApiRequest, batch_id: int) -> dict[str, Any]:
    """Get one bulk replay, with the number of its runs in each state."""
    batch = _find(request, batch_id)
    return {**_row(batch), "states": dict(bulk_replay.count_replays(batch))}


@router.post("", url_name="start-batch")
def start(request: ApiRequest) -> dict[str, Any]:
    """Replay the runs that the query selects, as for `GET /runs`, or all with `?all=true`.

    `{"mode": "from_start"}` (default), `failed_steps` or `as_it_was`; `per_minute`; `again` includes replayed runs.
    """
    forbid_flows(request)
    options = request_body.options(request)
    mode, per_minute = request_body.mode(options, replay.DEFAULT_MODE), request_body.per_minute(options)
    query = many_filter(request)
    query = query if options.get("again") is True else {**query, "unreplayed": True}
    batch = bulk_replay.start(request.workspace, query, mode, per_minute=per_minute)
    issues.resolve_by_replay(request.workspace, query)
    return show(request, batch.pk)


@router.post("/{int:batch_id}/cancel", url_name="cancel-batch")
def cancel(request: ApiRequest, batch_id: int) -> dict[str, Any]:
    """Stop creating runs; with `{"queued": true}`, also cancel its runs that have not started."""
    cancelled = bulk_replay.cancel(
        _find(request, batch_id), with_queued=request_body.options(request).get("queued") is True
    )
    return {**show(request, batch_id), "cancelled": cancelled}
