"""Replays of many: begin one, see how far it is, stop it."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest
from relay.api.chosen import chosen_many
from relay.engine import batches, issues
from relay.models import Batch, ReplayMode

router = Router(tags=["batches"])


def _row(batch: Batch) -> dict[str, Any]:
    return {"id": batch.pk, **batches.record(batch), "created": given.time(batch.created_at)}


def _found(request: ApiRequest, batch_id: int) -> Batch:
    return get_object_or_404(request.workspace.batches.select_related("workspace"), pk=batch_id)


@router.get("", url_name="batches")
def listing(request: ApiRequest) -> dict[str, Any]:
    """Replays of many, the newest first."""
    return {"batches": [_row(batch) for batch in request.workspace.batches.order_by("-pk")[: given.MOST]]}


@router.get("/{int:batch_id}", url_name="batch")
def show(request: ApiRequest, batch_id: int) -> dict[str, Any]:
    """One, with how many of the runs that it made are in which state."""
    batch = _found(request, batch_id)
    return {**_row(batch), "states": dict(batches.made_by(batch))}


@router.post("", url_name="start-batch")
def start(request: ApiRequest) -> dict[str, Any]:
    """Replay the runs that the query chooses, as `GET /runs` does, or all with `?all=true`.

    `{"mode": "from_start"}` (default), `failed_steps` or `as_it_was`; `per_minute`; `again` for those replayed before.
    """
    wanted = given.options(request)
    mode, per_minute = given.mode(wanted, ReplayMode.FROM_START), given.per_minute(wanted)
    chosen = chosen_many(request)
    chosen = chosen if wanted.get("again") is True else {**chosen, "unreplayed": True}
    batch = batches.start(request.workspace, chosen, mode, per_minute=per_minute)
    issues.resolve_by_replay(request.workspace, chosen)
    return show(request, batch.pk)


@router.post("/{int:batch_id}/cancel", url_name="cancel-batch")
def cancel(request: ApiRequest, batch_id: int) -> dict[str, Any]:
    """Make no more of its runs; with `{"queued": true}` cancel those that it made and that have not begun, too."""
    cancelled = batches.cancel(_found(request, batch_id), with_queued=given.options(request).get("queued") is True)
    return {**show(request, batch_id), "cancelled": cancelled}
