"""Events: one thing that arrived, as it arrived."""

from __future__ import annotations

import base64
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest

router = Router(tags=["events"])


@router.get("/{ref}", url_name="event")
def show(request: ApiRequest, ref: str) -> dict[str, Any]:
    """One event. `body` is text, or `body_base64` where it is none."""
    event = get_object_or_404(request.workspace.events, pk=given.number(ref))
    return {
        "id": event.ref,
        "flow": event.flow_id,
        "state": str(event.state),
        "received": given.time(event.received_at),
        "method": event.method,
        "query": event.query,
        "headers": event.headers,
        "content_type": event.content_type,
        **_body(bytes(event.body)),
        "runs": [run.ref for run in event.runs.order_by("id")],
    }


def _body(raw: bytes) -> dict[str, str]:
    try:
        return {"body": raw.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(raw).decode()}
