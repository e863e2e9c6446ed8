"""Waiting callers: held without a thread each, and answered by their run, a timeout or a stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.flow_control.limiter import Limiter
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.ingest.application import Ingest
from relay.models import Flow, Run, Workspace
from relay.outbound import Sender
from tests.support.asgi_requests import Answered, ask, scope_of, serve
from tests.support.running import Valkey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RESPOND = {"id": "answer", "kind": "respond", "status": 201, "body": {"hello": "{{ event.body.name }}"}}


def waiting(workspace: Workspace, *steps: dict[str, Any], wait: str = "20s", **trigger: Any) -> Flow:
    document = {
        "relay": 1,
        "name": "Answers",
        "trigger": {"kind": "webhook", "response": {"wait": wait}, **trigger},
        "steps": list(steps) or [RESPOND],
    }
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


def path(flow: Flow) -> str:
    return "/in/" + flow.trigger.token


@contextmanager
def a_worker() -> Iterator[None]:
    """A worker in a thread of this process."""
    from django.db import connection

    stop = threading.Event()

    def run() -> None:
        walkers = WalkThreads(
            Sender(allowed_networks=("127.0.0.0/8",), timeout=2.0), most=8, limiter=Limiter(threads=16)
        )
        try:
            while not stop.wait(0.01):
                work(walkers=walkers, linger=0)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def hold(ingest: Ingest, flow: Flow, body: bytes = b'{"name": "Ada"}', hangs_up: Any = None) -> Answered:
    """A request whose caller stays on the line, until `hangs_up` is set."""
    sent: list[dict[str, Any]] = []
    bodies = [body]

    async def receive() -> dict[str, Any]:
        if bodies:
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}
        await (hangs_up or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await ingest(scope_of(path(flow), content_type="application/json"), receive, send)
    names = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], names, sent[1]["body"])


async def held(ingest: Ingest, count: int) -> None:
    """Wait until a number of callers wait."""
    while sum(map(len, ingest.waiting._futures.values())) < count:  # noqa: ASYNC110 - there is nobody to tell it
        await asyncio.sleep(0.01)


def visit(flow: Flow, **more: Any) -> Answered:
    with a_worker():
        answered: Answered = serve(lambda ingest: hold(ingest, flow, **more))
    return answered


def test_a_caller_is_answered_what_a_step_rendered(workspace: Workspace) -> None:
    answered = visit(waiting(workspace))

    assert (answered.status, answered.body) == (201, b'{"hello":"Ada"}')
    assert answered.headers["content-type"] == "application/json"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["relay-event"] == Run.objects.get().event.ref


@pytest.mark.parametrize(
    ("step", "status", "headers", "body"),
    [
        ({"body": "Thanks {{ event.body.name }}"}, 200, {"content-type": "text/plain; charset=utf-8"}, b"Thanks Ada"),
        ({"status": 204}, 204, {}, b""),
        ({"headers": {"Content-Type": "text/html"}, "body": "<p>ü</p>"}, 200, {"content-type": "text/html"}, None),
        ({"status": 303, "headers": {"Location": "https://example.com/thanks"}}, 303, {"location": "https"}, b""),
        ({"headers": {"X-A": "{{ event.body.name }}"}, "body": [1, None]}, 200, {"x-a": "Ada"}, b"[1,null]"),
    ],
)
def test_answers_of_any_kind(
    workspace: Workspace, step: dict[str, Any], status: int, headers: dict[str, str], body: bytes | None
) -> None:
    answered = visit(waiting(workspace, {"id": "answer", "kind": "respond", **step}))

    assert answered.status == status
    assert all(answered.headers[name].startswith(value) for name, value in headers.items())
    assert answered.body == body or body is None


@pytest.mark.parametrize("place", ["javascript:alert(1)", "//evil.example", "/flows/", "data:text/html,x"])
def test_a_caller_is_sent_to_the_web_alone(workspace: Workspace, place: str) -> None:
    headers = {"Location": "{{ event.body.to }}"}
    flow = waiting(workspace, {"id": "answer", "kind": "respond", "status": 302, "headers": headers})

    answered = visit(flow, body=b'{"to": "%s"}' % place.encode())

    assert "location" not in answered.headers
    assert answered.headers["relay-state"] == "failed"
    assert "begins with https://" in Run.objects.get().reason


def test_the_end_of_the_run_answers_where_no_step_does(workspace: Workspace) -> None:
    answered = visit(waiting(workspace, {"id": "v", "kind": "set", "values": {"x": 1}}))

    assert answered.status == 202
    assert answered.headers["relay-state"] == "succeeded"


def test_a_caller_is_answered_before_slow_steps(workspace: Workspace) -> None:
    delay = {"id": "later", "kind": "delay", "for": "1h"}

    answered = visit(waiting(workspace, RESPOND, delay))

    assert answered.status == 201
    assert Run.objects.get().state == "waiting"


def test_the_wait_ends(workspace: Workspace) -> None:
    flow = waiting(workspace, wait="0.1s")

    answered = serve(lambda ingest: hold(ingest, flow))

    event = Run.objects.get().event
    assert (answered.status, answered.body) == (202, b'{"event": "%s"}' % event.ref.encode())


@pytest.mark.parametrize("pause", [flow_lifecycle.pause, None])
def test_nobody_waits_for_what_is_not_run(workspace: Workspace, pause: Callable[[Flow], None] | None) -> None:
    flow = waiting(workspace)
    if pause is None:
        Flow.objects.filter(pk=flow.pk).update(live_version=None)
    else:
        pause(flow)

    assert serve(lambda ingest: hold(ingest, flow)).status == 202


def test_what_comes_again_is_answered_as_before(workspace: Workspace) -> None:
    flow = waiting(workspace, dedupe={"key": "{{ event.body.name }}"})

    async def twice(ingest: Ingest) -> list[Answered]:
        return [await hold(ingest, flow), await hold(ingest, flow)]

    with a_worker():
        first, again = serve(twice)

    assert (first.status, first.body) == (again.status, again.body)
    assert again.headers["relay-duplicate"] == "true"


def test_the_ledger_answers_while_redis_is_away(workspace: Workspace, valkey: Valkey) -> None:
    flow = waiting(workspace)
    valkey.stop()

    answered = visit(flow)

    assert answered.status == 201


def test_a_caller_who_disconnects_is_released(workspace: Workspace) -> None:
    flow = waiting(workspace)

    async def hang_up(ingest: Ingest) -> int:
        hangs_up = asyncio.Event()
        call = asyncio.ensure_future(hold(ingest, flow, hangs_up=hangs_up))
        await held(ingest, 1)
        hangs_up.set()
        await call
        return len(ingest.waiting._futures)

    assert serve(hang_up) == 0


def test_waiting_callers_are_answered_when_relay_stops(workspace: Workspace) -> None:
    flow = waiting(workspace)

    async def stop(ingest: Ingest) -> list[Answered]:
        calls = [asyncio.ensure_future(hold(ingest, flow)) for _ in range(3)]
        await held(ingest, 3)
        await ingest.close()
        return await asyncio.gather(*calls)

    assert [one.status for one in serve(stop)] == [202, 202, 202]


def test_a_thousand_wait_at_once(workspace: Workspace) -> None:
    flow = waiting(workspace, wait="60s")

    async def many(ingest: Ingest) -> tuple[int, list[Answered]]:
        calls = [asyncio.ensure_future(hold(ingest, flow, b'{"name": "%d"}' % n)) for n in range(1_000)]
        await held(ingest, 1_000)
        threads = threading.active_count()
        started.set()
        return threads, await asyncio.gather(*calls)

    started = threading.Event()
    before = threading.active_count()
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(serve(many)))
    thread.start()
    wait_until(started.is_set, seconds=60)
    with a_worker():
        thread.join()

    threads, answered = results[0]
    assert [one.body for one in answered] == [b'{"hello":"%d"}' % n for n in range(1_000)]
    assert threads - before < 8


def test_without_a_wait_nothing_is_heard(workspace: Workspace) -> None:
    flow = waiting(workspace)
    document = {**flow.draft, "trigger": {"kind": "webhook"}}
    flow_lifecycle.save_draft(flow, document)
    flow_lifecycle.publish(flow)

    async def once(ingest: Ingest) -> tuple[int, Any]:
        answered = await ask(ingest, path(flow))
        return answered.status, ingest._waiting

    assert serve(once) == (202, None)
