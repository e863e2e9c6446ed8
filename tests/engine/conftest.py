"""What the engine's tests share: flows, arrivals and a destination that really answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import flow_lifecycle
from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake import event_store
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.models import Flow, Run, Workspace
from relay.models.flows import digest
from relay.outbound import Sender

ORDER = b'{"id": 7, "total": "149.90", "customer": {"name": "Ada"}}'


def posting(url: str, **step: Any) -> dict[str, Any]:
    """A flow of one action that posts an order's number to `url`."""
    inputs = {"url": url, "body": {"json": {"text": "order #{{ event.body.id }}"}}}
    action = {"id": "send", "kind": "action", "action": "http.request", "inputs": inputs, **step}
    return {"relay": 1, "name": "Post it", "trigger": {"kind": "webhook"}, "steps": [action]}


@pytest.fixture
def live(workspace: Workspace) -> Callable[[dict[str, Any]], Flow]:
    """Publish a document as a flow."""
    # A test that is rolled back gives its versions' ids to the next one.
    claim.plan.cache_clear()

    def make(document: dict[str, Any]) -> Flow:
        return flow_lifecycle.import_document(workspace, document, publish_it=True)

    return make


@pytest.fixture
def arrive() -> Callable[..., list[Run]]:
    """Let requests arrive at a flow, all in one commit; the runs they started."""

    def accept(flow: Flow, *bodies: bytes, content_type: str = "application/json") -> list[Run]:
        token_digest = digest(flow.trigger.token)
        arrivals = [
            Arrival(
                token_digest, StoredRequest("POST", "", "{}", content_type, body, "127.0.0.1"), 1_700_000_000_000_000
            )
            for body in bodies or (ORDER,)
        ]
        accepted = event_store.accept(arrivals, TriggerCache())
        return list(Run.objects.filter(event_id__in=[one.event_id for one in accepted]).order_by("id"))

    return accept


@pytest.fixture
def walkers() -> WalkThreads:
    return WalkThreads(Sender(allowed_networks=("127.0.0.0/8",), timeout=2.0), most=8, limiter=Limiter(threads=16))


@pytest.fixture
def destination(httpserver: HTTPServer) -> HTTPServer:
    return httpserver
