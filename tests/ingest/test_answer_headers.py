"""What callers get of a flow's answer: no header beyond those that a flow may set, and none at the host of the pages.

Flows here are live since before their headers were checked: their documents are changed in the database.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.db import connections

from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake.event_store import Accepted
from relay.engine.settle.caller_replies import CallerReply
from relay.ingest.asgi_app import AsgiApp
from relay.ingest.responses import flow_response
from relay.models import Event, Flow, Run, RunState, Trigger, Version, Workspace
from tests.ingest.test_waiting_callers import RESPOND, path, visit, waiting
from tests.support.asgi_requests import Answered, in_turn, scope_of

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDDEN = {
    "NEL": '{"report_to":"x","max_age":31536000,"success_fraction":1.0,"failure_fraction":1.0}',
    "Report-To": '{"group":"x","max_age":31536000,"endpoints":[{"url":"https://collector.example/r"}]}',
    "nel": "{}",
    "reporting-endpoints": 'x="https://collector.example/r"',
    "Set-Cookie": "sessionid=x",
    "Alt-Svc": 'h3="evil.example:443"',
    "Service-Worker-Allowed": "/",
    "Refresh": "0;url=/account/",
    "Link": '</static/relay.js>; rel="compression-dictionary"',
    "WWW-Authenticate": "Basic",
    "X-Accel-Redirect": "/protected/vault.keys",
    "X_Accel_Redirect": "/protected/vault.keys",
    "X-Sendfile": "/data/vault.keys",
    "X-Content-Type-Options": "sniff",
    "Content-Security-Policy": "default-src *",
    "Relay-Event": "forged",
    "X-Foo\r\nNEL": "{}",
    "X-Foo\r\nNEL: {}\r\nX-Bar": "x",
    "NEL ": "{}",
    "X-Line": "a\r\nNEL: {}",
    "Content-Type": "multipart/x-mixed-replace; boundary=x",
}
HOME = ("/account/", "https://127.0.0.1:8443/account/", "http://LOCALHOST/account/", "//localhost/", "http://[::1]/")
KEPT = {"X-Shop": "Acme", "Cache-Control": "no-store", "Retry-After": "5"}
OURS = {"content-type", "x-content-type-options", "content-security-policy", "relay-event", "relay-state"}
HOOKS = "https://hooks.example.com"


def go_live(flow: Flow, change: dict[str, Any]) -> None:
    """Give a flow a live document that is not checked. `change`: a part of its trigger, or of its first step."""
    document = Version.objects.get(flow=flow).document
    if "response" in change:
        document["trigger"]["response"] = {**document["trigger"]["response"], **change["response"]}
    else:
        document["steps"][0] |= change
    Version.objects.filter(flow=flow).update(document=document)
    Trigger.note_change(flow.pk)


def static(workspace: Workspace, **response: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "response": {"status": 200}}, "steps": []}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    go_live(flow, {"response": response})
    return flow


def test_a_static_answer_goes_out_without_what_is_refused(workspace: Workspace) -> None:
    flow = static(workspace, headers={**FORBIDDEN, **KEPT}, body="thanks")

    [answered] = in_turn((path(flow), {}))

    assert (answered.status, answered.body) == (200, b"thanks")
    assert set(answered.headers) == {*map(str.lower, KEPT)} | OURS - {"relay-state"}
    assert answered.headers["content-type"] == "text/plain; charset=utf-8"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["relay-event"] == Event.objects.get().ref


@pytest.mark.parametrize("place", HOME)
def test_a_static_answer_leads_nobody_to_relay(workspace: Workspace, place: str) -> None:
    flow = static(workspace, status=303, headers={"Location": place})

    [answered] = in_turn((path(flow), {}))

    assert (answered.status, "location" in answered.headers) == (303, False)


def test_a_live_step_leaves_out_names_that_are_refused_today(workspace: Workspace) -> None:
    flow = waiting(workspace)
    names = {
        name: "{{ event.body.name }}" for name in FORBIDDEN if name.replace("-", "").isalnum() and name != "X-Line"
    }
    go_live(flow, {"headers": {**names, **KEPT, "Content-Type": "text/html"}, "body": "<p>"})

    answered = visit(flow)

    assert (answered.status, answered.body) == (201, b"<p>")
    assert set(answered.headers) == {*map(str.lower, KEPT)} | OURS - {"relay-state"}
    assert (answered.headers["content-type"], answered.headers["x-shop"]) == ("text/html", "Acme")
    assert Run.objects.get().state == RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        *(({"Location": place}, "sent on to") for place in HOME),
        ({"Content-Type": FORBIDDEN["Content-Type"]}, "multipart"),
        ({"X-Line": "a\r\nNEL: {}"}, "line break"),
    ],
)
def test_a_rendered_value_that_is_refused_fails_the_step(
    workspace: Workspace, headers: dict[str, str], said: str
) -> None:
    flow = waiting(workspace, {**RESPOND, "headers": dict.fromkeys(headers, "{{ event.body.it }}"), "body": ""})
    [value] = headers.values()

    answered = visit(flow, body=b'{"it": "%s"}' % value.replace("\r\n", "\\r\\n").encode())

    assert set(answered.headers) == OURS
    assert (answered.status, answered.headers["relay-state"]) == (202, "failed")
    assert said in Run.objects.get().reason


def test_what_another_process_tells_is_held_to_the_same_list() -> None:
    reply = CallerReply(
        7, "succeeded", {"status": 200, "headers": {**FORBIDDEN, **KEPT, "Location": HOME[1]}, "body": "x"}
    )

    status, headers, body = flow_response(Accepted(7, None), reply)

    assert (status, body) == (200, b"x")
    assert {name.decode() for name, _ in headers} == {*map(str.lower, KEPT)} | OURS - {
        "relay-state",
        "content-security-policy",
    }


@pytest.fixture
def own_host(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flows have a host of their own."""
    # As in the web process: the thread of a page keeps no connection open when it ends.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://relay.example.com", ["relay.example.com", ".inner.example"]
    settings.INGEST_URL, settings.INGEST_HOST = HOOKS, "hooks.example.com"
    settings.OWN_HOSTS = (*settings.ALLOWED_HOSTS, "hooks.example.com")


@pytest.mark.parametrize("host", ["hooks.example.com", "HOOKS.example.com:8443", "hooks.example.com."])
def test_the_host_of_ingest_has_flows_headers(own_host: None, workspace: Workspace, host: str) -> None:
    flow = static(workspace, headers={**KEPT, "Content-Type": "text/html"}, body="<p>")

    [answered] = in_turn((path(flow), {"host": host}))

    assert (answered.status, answered.headers["content-type"]) == (200, "text/html")
    assert {*map(str.lower, KEPT)} <= set(answered.headers)
    assert flow.trigger.url == f"{HOOKS}{path(flow)}"


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ({}, "thanks", "text/plain; charset=utf-8"),
        ({"Content-Type": "text/html"}, "<script>", "text/plain; charset=utf-8"),
        ({"Content-Type": "application/javascript"}, "x()", "text/plain; charset=utf-8"),
        ({"Content-Type": "application/json; charset=utf-8"}, "{}", "application/json"),
        ({}, "", "application/json"),
    ],
)
@pytest.mark.parametrize("host", ["relay.example.com", "a.inner.example:8000", "unknown.example", "127.0.0.1", ""])
def test_any_other_host_takes_events_and_sends_no_header_of_a_flow(
    own_host: None, workspace: Workspace, host: str, headers: dict[str, str], body: str, kind: str
) -> None:
    flow = static(workspace, status=201, headers={**headers, **KEPT, "Location": "https://example.com/"}, body=body)

    [answered] = in_turn((path(flow), {"host": host}))

    assert (answered.status, Event.objects.count()) == (201, 1)
    assert answered.body == body.encode() or not body
    assert set(answered.headers) == OURS - {"relay-state"}
    assert (answered.headers["content-type"], answered.headers["x-content-type-options"]) == (kind, "nosniff")


def test_a_rendered_answer_at_the_host_of_the_pages_has_no_header_of_the_flow(
    own_host: None, workspace: Workspace
) -> None:
    flow = waiting(workspace, {**RESPOND, "headers": {**KEPT, "Content-Type": "text/html"}, "body": "<p>"})

    answered = visit(flow)

    assert (answered.status, answered.body) == (201, b"<p>")
    assert set(answered.headers) == OURS - {"relay-state"}
    assert answered.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(("host", "base"), [("hooks.example.com", HOOKS), ("unknown.example", HOOKS)])
def test_a_sender_that_signs_the_url_signs_the_one_it_was_given(
    own_host: None, workspace: Workspace, host: str, base: str
) -> None:
    assert _signed(workspace, host, base) == [202, 401]


def test_a_sender_can_still_use_the_previous_url(own_host: None, workspace: Workspace) -> None:
    assert _signed(workspace, "relay.example.com", "https://relay.example.com") == [202, 401]


def _signed(workspace: Workspace, host: str, base: str) -> list[int]:
    """What is answered to a request that is signed for the URL at `base`, and to one for another."""
    from tests.signatures.conftest import base64_of

    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "preset": "square"}, "steps": []}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    trigger_secrets.add(flow, {"secret": "s3cret-of-the-shop"})
    bases = (base, "https://evil.example")
    asked = [
        (path(flow), {"host": host, "x_square_hmacsha256_signature": _signature(base64_of, one, flow)}) for one in bases
    ]
    return [answered.status for answered in in_turn(*asked)]


def _signature(base64_of: Any, base: str, flow: Flow) -> str:
    return str(base64_of(b"s3cret-of-the-shop", f"{base}{path(flow)}".encode() + b"{}"))


async def _asked(place: str, headers: list[tuple[bytes, bytes]], entrance: AsgiApp) -> Answered:
    sent: list[dict[str, Any]] = []

    bodies = [b""]

    async def receive() -> dict[str, Any]:
        if not bodies:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await entrance({**scope_of(place, "GET"), "headers": headers}, receive, send)
    names = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], names, sent[1]["body"])


def page(place: str, *hosts: str, alone: bool = False) -> Answered:
    """What a whole web process, or one of ingest `alone`, answers to a GET with these Host headers."""
    entrance = AsgiApp(None if alone else ASGIHandler())
    pairs = [(b"host", host.encode()) for host in hosts]
    return asyncio.run(_asked(place, pairs, entrance))


@pytest.mark.parametrize("place", ["/", "/sign-in/", "/api/v1/flows", "/static/relay.js", "/reset/1/x/", "//"])
@pytest.mark.parametrize(
    "hosts",
    [
        ("hooks.example.com",),
        ("HOOKS.EXAMPLE.COM:443",),
        ("hooks.example.com.",),
        ("relay.example.com", "hooks.example.com"),
    ],
)
def test_the_host_of_ingest_has_no_pages(own_host: None, place: str, hosts: tuple[str, ...]) -> None:
    answered = page(place, *hosts)

    assert (answered.status, answered.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert "set-cookie" not in answered.headers


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("host", ["hooks.example.com", "relay.example.com", "10.0.0.7:8000"])
def test_health_is_served_at_every_host(own_host: None, host: str, alone: bool) -> None:
    assert page("/health/", host, alone=alone).status == 200


def test_pages_are_at_their_own_host(own_host: None) -> None:
    assert page("/", "relay.example.com").status == 200
    assert page("/sign-in/", "unknown.example").status == 400
    assert page("/sign-in/", "relay.example.com", alone=True).status == 404
