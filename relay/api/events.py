"""Endpoint for events: gets one event as it arrived."""

from __future__ import annotations

import base64
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest
from relay.engine.files import downloads

router = Router(tags=["events"])


@router.get("/{ref}", url_name="event")
def show(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Get one event. `body` is text; a body that isn't UTF-8 is `body_base64`."""
    event = get_object_or_404(request.workspace.events, pk=request_body.number(ref))
    return {
        "id": event.ref,
        "flow": event.flow_id,
        "state": str(event.state),
        "received": request_body.time(event.received_at),
        "method": event.method,
        "query": event.query,
        "headers": event.headers,
        "content_type": event.content_type,
        **_body(bytes(event.body)),
        "files": downloads.of_event(event),
        "runs": [run.ref for run in event.runs.order_by("id")],
    }


def _body(raw: bytes) -> dict[str, str]:
    try:
        return {"body": raw.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(raw).decode()}
