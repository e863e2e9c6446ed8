"""Endpoints for flows: list, get with document, import, publish, pause, resume."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.engine import go_live_checks
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.runs import paused_backlog
from relay.models import Flow

router = Router(tags=["flows"])


def _row(request: ApiRequest, flow: Flow) -> dict[str, Any]:
    return {
        "id": flow.pk,
        "name": flow.name,
        "folder": flow.folder,
        "state": flow.state.value,
        # A caller who knows the URL can start the flow, which is more than read access.
        "url": flow.trigger.known_url if request.may_write else None,
        "unpublished_changes": flow.has_unpublished_changes,
    }


def _find(request: ApiRequest, flow_id: int) -> Flow:
    flows = request.workspace.flows.select_related("trigger", "live_version")
    return get_object_or_404(flows, pk=flow_id)


@router.get("", url_name="flows")
def listing(request: ApiRequest) -> dict[str, Any]:
    """List flows by name."""
    flows = request.workspace.flows.select_related("trigger", "live_version").order_by("name", "pk")
    return {"flows": [_row(request, flow) for flow in flows]}


@router.get("/{int:flow_id}", url_name="flow")
def show(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Get one flow with its draft, and the number and document of its live version, if any."""
    flow = _find(request, flow_id)
    live = flow.live_version
    version = {"number": live.number, "document": live.document} if live else None
    secrets = {
        "stored": flow.trigger.secrets.count(),
        "of_former_senders": trigger_secrets.former_secrets(flow).count(),
    }
    return {
        **_row(request, flow),
        "draft": flow.draft,
        "live": version,
        "held": paused_backlog.count(flow),
        "secrets": secrets,
    }


@router.post("", url_name="import-flow")
def import_flow(request: ApiRequest, publish_it: bool = False) -> Any:
    """Create a flow from the document in the body (JSON or YAML); `?publish_it=true` publishes it."""
    if not request.body:
        raise ApiError(422, "The body must be a flow document, as JSON or YAML")
    flow = flow_lifecycle.import_document(request.workspace, request.body, publish_it=publish_it)
    return show(request, flow.pk)


@router.post("/{int:flow_id}/publish", url_name="publish-flow")
def publish_flow(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Publish the draft. `unfinished` lists what the flow still lacks, although it is live."""
    flow = _find(request, flow_id)
    flow_lifecycle.publish(flow)
    lacks = [str(fault) for fault in go_live_checks.find_faults(flow, flow.draft)]
    return {**show(request, flow_id), "unfinished": lacks}


@router.post("/{int:flow_id}/pause", url_name="pause-flow")
def pause(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Hold new events."""
    flow_lifecycle.pause(_find(request, flow_id))
    return show(request, flow_id)


@router.post("/{int:flow_id}/resume", url_name="resume-flow")
def resume(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Run new events again. `{"held": "release"}` (default), `{"held": "discard"}` or `{"per_minute": 30}`."""
    flow, options = _find(request, flow_id), request_body.options(request)
    per_minute, held = options.get("per_minute"), options.get("held", "release")
    if per_minute is not None:
        if type(per_minute) is not int:
            raise ApiError(422, "per_minute is a whole number")
        moved = flow_lifecycle.release(flow, per_minute=per_minute)
    elif held in ("release", "discard"):
        moved = flow_lifecycle.discard(flow) if held == "discard" else flow_lifecycle.resume(flow)
    else:
        raise ApiError(422, 'held is "release" or "discard"')
    return {**show(request, flow_id), "moved": moved}
