"""Flows: list, get with document, import, publish, pause, resume."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest
from relay.api.errors import Refused
from relay.engine import held, publish, secrets
from relay.models import Flow

router = Router(tags=["flows"])


def _row(request: ApiRequest, flow: Flow) -> dict[str, Any]:
    return {
        "id": flow.pk,
        "name": flow.name,
        "folder": flow.folder,
        "state": flow.state.value,
        # Who knows it can start the flow: that is more than to read.
        "url": flow.trigger.known_url if request.may_write else None,
        "unpublished_changes": flow.has_unpublished_changes,
    }


def _found(request: ApiRequest, flow_id: int) -> Flow:
    known = request.workspace.flows.select_related("trigger", "live_version")
    return get_object_or_404(known, pk=flow_id)


@router.get("", url_name="flows")
def listing(request: ApiRequest) -> dict[str, Any]:
    """All flows, by name."""
    flows = request.workspace.flows.select_related("trigger", "live_version").order_by("name", "pk")
    return {"flows": [_row(request, flow) for flow in flows]}


@router.get("/{int:flow_id}", url_name="flow")
def show(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """One flow with its draft, and the live version's document and number where there is one."""
    flow = _found(request, flow_id)
    live = flow.live_version
    version = {"number": live.number, "document": live.document} if live else None
    kept = {"stored": flow.trigger.secrets.count(), "of_former_senders": secrets.former(flow).count()}
    return {**_row(request, flow), "draft": flow.draft, "live": version, "held": held.count(flow), "secrets": kept}


@router.post("", url_name="import-flow")
def import_flow(request: ApiRequest, publish_it: bool = False) -> Any:
    """Make a flow of the document in the body (JSON or YAML); with `?publish_it=true` it goes live at once."""
    if not request.body:
        raise Refused(422, "The body must be a flow document, as JSON or YAML")
    flow = publish.import_document(request.workspace, request.body, publish_it=publish_it)
    return show(request, flow.pk)


@router.post("/{int:flow_id}/publish", url_name="publish-flow")
def publish_flow(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Make the draft the live version."""
    publish.publish(_found(request, flow_id))
    return show(request, flow_id)


@router.post("/{int:flow_id}/pause", url_name="pause-flow")
def pause(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Hold what arrives from now on."""
    publish.pause(_found(request, flow_id))
    return show(request, flow_id)


@router.post("/{int:flow_id}/resume", url_name="resume-flow")
def resume(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Run what arrives again. `{"held": "release"}` (default), `{"held": "discard"}` or `{"per_minute": 30}`."""
    flow, wanted = _found(request, flow_id), given.options(request)
    per_minute, what = wanted.get("per_minute"), wanted.get("held", "release")
    if per_minute is not None:
        if type(per_minute) is not int:
            raise Refused(422, "per_minute is a whole number")
        moved = publish.release(flow, per_minute=per_minute)
    elif what in ("release", "discard"):
        moved = publish.discard(flow) if what == "discard" else publish.resume(flow)
    else:
        raise Refused(422, 'held is "release" or "discard"')
    return {**show(request, flow_id), "moved": moved}
