"""Ingest over real HTTP: every response of the ASGI application, served by a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from relay import ids
from relay.engine.configuration import flow_lifecycle
from relay.engine.intake.stored_request import StoredRequest
from relay.errors import DocumentFaults
from relay.ingest.application import Ingest
from relay.models import Event, Flow, Rejection, Run, RunState, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

FLOW: dict[str, Any] = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": []}
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return flow_lifecycle.import_document(workspace, {**FLOW, "steps": [SAY]}, publish_it=True)


def call(
    path: str, method: str = "POST", body: bytes = b"{}", *, chunks: list[bytes] | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request as an ASGI server would hand it over; status, headers and body of the answer."""
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    parts = list(chunks or [body])
    scope = {
        "type": "http",
        "method": method,
        "path": path.partition("?")[0],
        "raw_path": path.partition("?")[0].encode(),
        "query_string": path.partition("?")[2].encode(),
        "headers": pairs,
        "client": ("127.0.0.1", 1),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts) or chunks is not None}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def serve() -> None:
        ingest = Ingest()
        await ingest(scope, receive, send)
        await ingest.close()

    asyncio.run(serve())
    names = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return sent[0]["status"], names, sent[1]["body"]


def url(flow: Flow) -> str:
    return f"/in/{flow.trigger.token}"


def test_an_event_is_stored_before_it_is_acknowledged(flow: Flow) -> None:
    status, headers, body = call(url(flow) + "?shop=3", body=b'{"id": 1}', content_type="application/json")

    event = Event.objects.get()
    assert status == 202
    assert json.loads(body) == {"event": event.ref}
    assert ids.number(headers["relay-event"]) == event.pk
    assert (bytes(event.body), event.query, event.content_type) == (b'{"id": 1}', "shop=3", "application/json")
    assert Run.objects.get().state == RunState.QUEUED


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/in/", "POST", 404),
        ("/in/" + "x" * 32, "POST", 404),
        ("{url}/", "POST", 202),
        ("{url}%00", "POST", 404),
        ("{url};x=1", "POST", 404),
        ("{url}/../x", "POST", 404),
        ("{url}", "GET", 405),
        ("{url}", "DELETE", 405),
        ("{url}", "TRACE", 405),
        ("{url}", "HEAD", 200),
        ("{url}", "OPTIONS", 204),
        ("{url}", "PUT", 202),
        ("{url}", "PATCH", 202),
    ],
)
def test_each_request_gets_its_status(flow: Flow, path: str, method: str, status: int) -> None:
    answered, _, _ = call(path.format(url=url(flow)), method)

    assert answered == status
    assert Event.objects.count() == (1 if status == 202 else 0)


def test_methods_are_the_triggers(workspace: Workspace) -> None:
    document = {**FLOW, "trigger": {"kind": "webhook", "methods": ["GET", "DELETE"]}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

    statuses = [call(url(flow), method)[0] for method in ("GET", "DELETE", "POST")]

    assert statuses == [202, 202, 405]


def test_a_declared_size_is_refused_unread(flow: Flow) -> None:
    status, _, _ = call(url(flow), chunks=[], content_length="500000000")

    assert status == 413


def test_a_counted_size_is_refused(flow: Flow) -> None:
    status, _, _ = call(url(flow), chunks=[b"x" * 400_000] * 50)

    assert status == 413
    assert Event.objects.count() == 0


def test_a_slow_body_times_out(flow: Flow, settings: Any) -> None:
    settings.BODY_TIMEOUT = 0.05

    status, _, _ = call(url(flow), chunks=[b"{"])

    assert status == 408


def test_the_triggers_own_answer(workspace: Workspace) -> None:
    response = {"status": 200, "headers": {"X-Shop": "yes"}, "body": "[accepted]"}
    document = {**FLOW, "trigger": {"kind": "webhook", "response": response}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

    status, headers, body = call(url(flow))

    assert (status, headers["x-shop"], body) == (200, "yes", b"[accepted]")


def test_a_drafts_events_are_captured(workspace: Workspace) -> None:
    flow = flow_lifecycle.create_flow(workspace, FLOW)

    status, _, _ = call(url(flow))

    assert status == 202
    assert Event.objects.get().state == "captured"
    assert Run.objects.count() == 0


def test_credentials_in_headers_are_not_kept(flow: Flow) -> None:
    call(url(flow), authorization="Bearer very-secret", x_topic="orders")

    assert "very-secret" not in json.dumps(Event.objects.get().headers)
    assert Event.objects.get().headers["x-topic"] == "orders"


def test_a_duplicate_gets_the_first_response(workspace: Workspace) -> None:
    trigger = {"kind": "webhook", "dedupe": {"key": "{{ event.body.id }}"}}
    flow = flow_lifecycle.import_document(workspace, {**FLOW, "trigger": trigger, "steps": [SAY]}, publish_it=True)

    first, again, other = [
        call(url(flow), body=body, content_type="application/json")
        for body in (b'{"id": 1}', b'{"id": 1, "n": 2}', b'{"id": 2}')
    ]

    assert (again[0], again[2], again[1]["relay-event"]) == (first[0], first[2], first[1]["relay-event"])
    assert [answer[1].get("relay-duplicate") for answer in (first, again, other)] == [None, "true", None]
    assert Event.objects.count() == 2


def test_together_they_share_one_transaction(flow: Flow) -> None:
    from relay.engine.intake import event_store
    from relay.engine.intake.event_store import Arrival
    from relay.ingest.group_commit import GroupCommitter
    from relay.models.flows import digest

    arrival = Arrival(digest(flow.trigger.token), StoredRequest("POST", "", "{}", "", b"{}"), 1)

    async def store() -> int:
        committer = GroupCommitter()
        prepared = event_store.prepare(arrival, await committer.find(arrival.digest))
        assert prepared is not None
        accepted = await asyncio.gather(*(committer.store(prepared) for _ in range(100)))
        await committer.close()
        return len({one.event_id for one in accepted})

    stored = asyncio.run(store())

    assert stored == Event.objects.count() == 100


@pytest.mark.parametrize(("of_trigger", "size", "status"), [(0, 900, 202), (0, 1_001, 413), (500, 501, 413)])
@pytest.mark.parametrize("ceiling", [1_000])
def test_the_smaller_of_both_sizes_holds(
    workspace: Workspace, settings: Any, of_trigger: int, size: int, status: int, ceiling: int
) -> None:
    flow = flow_lifecycle.import_document(workspace, {**FLOW, "trigger": {"kind": "webhook", "max_bytes": of_trigger}})
    settings.MAX_BYTES = ceiling

    answered, _, body = call(url(flow), body=b"x" * size)

    assert answered == status
    assert status == 202 or str(of_trigger or ceiling).encode() in body


def test_a_trigger_of_more_than_the_installation_takes_no_more(workspace: Workspace, settings: Any) -> None:
    trigger = {"kind": "webhook", "max_bytes": 10_000_000}
    flow = flow_lifecycle.import_document(workspace, {**FLOW, "trigger": trigger})
    settings.MAX_BYTES = 1_000

    answered, _, body = call(url(flow), body=b"x" * 1_001)

    assert (answered, body) == (413, b"The body may have 1000 bytes\n")
    with pytest.raises(DocumentFaults, match=r"trigger.max_bytes: is at most 1000"):
        flow_lifecycle.publish(flow)


@pytest.mark.parametrize(
    ("sent", "status", "why", "said"),
    [
        ({"method": "GET"}, 405, "method", "GET"),
        ({"chunks": [], "content_length": "500000000"}, 413, "size", "500,000,000"),
        ({"body": b"x" * 2_000_000}, 413, "size", "2,000,000"),
        ({"content_encoding": "zstd"}, 415, "encoding", "zstd"),
        ({"chunks": [b"{"]}, 408, "time", "0.05 s"),
    ],
)
def test_what_is_rejected_is_kept_with_its_reason(
    flow: Flow, settings: Any, sent: dict[str, Any], status: int, why: str, said: str
) -> None:
    settings.BODY_TIMEOUT = 0.05

    answered, _, _ = call(url(flow) + "?a=1", **sent, authorization="Bearer very-secret")

    kept = Rejection.objects.get()
    assert (answered, kept.status, kept.why, kept.query, kept.remote) == (status, status, why, "a=1", "127.0.0.1")
    assert said in kept.reason
    assert "very-secret" not in json.dumps(kept.headers)
    assert Event.objects.count() == 0


def test_of_large_headers_some_are_kept(flow: Flow) -> None:
    call(url(flow), "GET", x_first="a", x_large="b" * 60_000, x_last="c")

    kept = Rejection.objects.get().headers
    assert kept["x-first"] == "a"
    assert len(json.dumps(kept)) < 20_000


def test_what_has_no_url_is_not_kept(flow: Flow) -> None:
    call("/in/" + "x" * 32)

    assert Rejection.objects.count() == 0
