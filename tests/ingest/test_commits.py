"""Nothing whose size a tenant or a sender chooses runs in the transaction or in the committing thread."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from relay.engine.configuration import flow_lifecycle, schedules
from relay.engine.intake import event_store, internal_events, sample_events
from relay.engine.intake.arrival_keys import ArrivalKeys
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_store import Arrival, CachedTrigger, Prepared, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.trigger_rules import TriggerRules
from relay.ingest.application import Ingest
from relay.models import Event, Flow, Run, Schedule, Workspace
from tests.support.asgi_requests import Answered, ask, serve
from tests.support.transaction_watch import Watch, watching

pytestmark = pytest.mark.django_db(transaction=True)

SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
BODY = b'{"id": "k1", "items": [1, 2, 3]}'
XML = b"<r><id>k1</id>" + b"<items>1</items>" * 300 + b"</r>"
FORM = b"id=k1&items=1&items=2&items=3"
# Too much for the event loop: by its work, by its length.
SLOW = "{% for i in range(3000) %}{% endfor %}"
LONG = "{# " + "x" * 500 + " #}"
# The bodies of each kind hold the same, at other places.
KEY = "{{ event.query.n }}-{{ event.raw | length }}"
SPLIT = "{{ event.body['items'] if 'items' in event.body else event.body.r['items'][:3] }}"
KEYS = {
    "none": {},
    "dedupe": {"dedupe": {"key": KEY}},
    "slow dedupe": {"dedupe": {"key": SLOW + KEY}},
}
ORDERS = {
    "none": {},
    "flow": {"ordered": True},
    "key": {"ordered": True, "order_key": LONG + "{{ event.body | length }}"},
}
SPLITS = {"none": {}, "split": {"split": SPLIT}}
KINDS = {"application/json": BODY, "text/xml": XML, "application/x-www-form-urlencoded": FORM}


def document(trigger: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "relay": 1,
        "name": "F",
        "trigger": {"kind": "webhook", **trigger},
        "settings": settings,
        "steps": [SAY],
    }


def post(flow: Flow, *bodies: tuple[str, bytes]) -> list[Answered]:
    """Bodies by content type, each posted twice."""

    async def visit(ingest: Ingest) -> list[Answered]:
        return [one for kind, body in bodies for one in await _twice(ingest, flow, kind, body)]

    answers: list[Answered] = serve(visit)
    return answers


async def _twice(ingest: Ingest, flow: Flow, content_type: str, body: bytes) -> list[Answered]:
    path = f"/in/{flow.trigger.token}?n={content_type}"
    return [await ask(ingest, path, body=body, content_type=content_type) for _ in range(2)]


class Made(NamedTuple):
    key: str
    order: str
    split: str
    flow: Flow


@pytest.fixture
def made(workspace: Workspace) -> Callable[[str], list[Made]]:
    """A flow for each combination of keys, orders and splits, at some time of its life."""

    def make(times: str) -> list[Made]:
        found = []
        for key, order, split in itertools.product(KEYS, ORDERS, SPLITS):
            one = document(KEYS[key] | SPLITS[split], ORDERS[order])
            flow = flow_lifecycle.import_document(workspace, one, publish_it=times != "draft")
            found.append(Made(key, order, split, flow))
            if times == "paused":
                flow_lifecycle.pause(flow)
        return found

    return make


@pytest.mark.parametrize("times", ["live", "paused", "draft"])
def test_between_begin_and_commit_stands_sql_only(made: Callable[[str], list[Made]], times: str) -> None:
    flows = made(times)

    async def visit(ingest: Ingest) -> set[int]:
        answers = [await _twice(ingest, one.flow, *kind) for one in flows for kind in KINDS.items()]
        return {answer.status for pair in answers for answer in pair}

    with watching() as watch:
        statuses = serve(visit)

    assert (watch.wrong, statuses) == (set(), {202})
    for key, order, split, flow in flows:
        stored, runs = Event.objects.filter(flow=flow), Run.objects.filter(flow=flow)
        assert stored.count() == (6 if key == "none" else 3)
        assert runs.count() == (0 if times == "draft" else stored.count() * (3 if split == "split" else 1))
        assert len({run.order_key for run in runs}) <= (2 if order == "key" else 1)
        assert {run.order_key is None for run in runs} <= {order == "none"}
        assert {run.state for run in runs} <= {"held" if times == "paused" else "queued"}


def test_a_trigger_that_changes_after_an_arrival_was_prepared(made: Callable[[str], list[Made]]) -> None:
    flows = made("live")
    changed = document({"dedupe": {"key": "new {{ event.body.id }}"}}, {"ordered": True})

    async def visit(ingest: Ingest, watch: Watch) -> list[Answered]:
        prepare, answers = ingest._preparation.prepare, []
        for one in flows:

            async def then_changed(
                arrival: Arrival, door: CachedTrigger, former: Prepared | None, flow: Flow = one.flow
            ) -> Prepared:
                found = await prepare(arrival, door, former)
                ingest._preparation.prepare = prepare  # type: ignore[method-assign]
                watch.is_on = False
                await ingest.committer.run(
                    lambda: (flow_lifecycle.save_draft(flow, changed), flow_lifecycle.publish(flow))
                )
                watch.is_on = True
                return found

            ingest._preparation.prepare = then_changed  # type: ignore[method-assign, assignment]
            answers += await _twice(ingest, one.flow, "application/json", BODY)
        return answers

    with watching() as watch:
        answers = serve(lambda ingest: visit(ingest, watch))

    assert watch.wrong == set()
    assert [answer.headers.get("relay-duplicate") for answer in answers] == [None, "true"] * len(flows)
    assert {run.order_key for run in Run.objects.all()} == {"-"}
    assert {run.version_id for run in Run.objects.all()} == set(Flow.objects.values_list("live_version_id", flat=True))


def test_nothing_is_rendered_again_where_a_change_leaves_the_keys_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed = document({"dedupe": {"key": KEY}}, {"ordered": True})
    flow = flow_lifecycle.import_document(workspace, keyed, publish_it=True)
    rendered, changes = [], iter(range(4))

    async def visit(ingest: Ingest) -> Answered:
        prepare, at_once = ingest._preparation.prepare, ingest._preparation._derive_inline

        async def then_changed(arrival: Arrival, door: CachedTrigger, former: Prepared | None) -> Prepared:
            found = await prepare(arrival, door, former)
            if (number := next(changes, None)) is not None:
                switch = flow_lifecycle.resume if number % 2 else flow_lifecycle.pause
                await ingest.committer.run(lambda: switch(flow))
            return found

        def counted(rules: TriggerRules, event: EventData) -> ArrivalKeys | None:
            rendered.append(event.id)
            return at_once(rules, event)

        monkeypatch.setattr(ingest._preparation, "prepare", then_changed)
        monkeypatch.setattr(ingest._preparation, "_derive_inline", counted)
        return await ask(ingest, f"/in/{flow.trigger.token}?n=1", body=BODY, content_type="application/json")

    answer = serve(visit)

    assert (answer.status, next(changes, None), len(rendered)) == (202, None, 1)
    assert [run.state for run in Run.objects.all()] == ["queued"]


def test_each_key_is_rendered_once_for_an_arrival(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from relay.bodies import payloads

    trigger = KEYS["dedupe"] | {"split": "{{ event.body['items'] }}"}
    flow = flow_lifecycle.import_document(
        workspace, document(trigger, {"ordered": True, "order_key": "{{ event.body.id }}"}), publish_it=True
    )
    parse, parsed = payloads.parse, []
    monkeypatch.setattr(payloads, "parse", lambda *given: parsed.append(given) or parse(*given))

    post(flow, ("application/json", json.dumps({"id": 1, "items": list(range(900))}).encode()))

    assert Run.objects.count() == 900
    assert len(parsed) == 2  # one for each of two posts
    assert len(set(Run.objects.values_list("order_key", flat=True))) == 1


def test_a_key_of_headers_needs_no_body(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from relay.bodies import payloads

    key = "{{ event.headers['x-id'] }}-{{ event.query.n }}"
    flow = flow_lifecycle.import_document(workspace, document({"dedupe": {"key": key}}, {}), publish_it=True)
    parsed: list[Any] = []
    monkeypatch.setattr(payloads, "parse", lambda *given: parsed.append(given))

    async def visit(ingest: Ingest) -> list[Answered]:
        path = f"/in/{flow.trigger.token}?n=1"
        return [await ask(ingest, path, body=b"{not json", x_id=one) for one in ("a", "a", "b")]

    answers = serve(visit)

    assert parsed == []
    assert [answer.headers.get("relay-duplicate") for answer in answers] == [None, "true", None]


def test_rejected_requests_are_stored_by_sql_only(workspace: Workspace) -> None:
    flow = flow_lifecycle.import_document(workspace, document({"methods": ["PUT"]}, {}), publish_it=True)

    with watching() as watch:
        answers = post(flow, ("application/json", BODY))

    assert watch.wrong == set()
    assert {answer.status for answer in answers} == {405}
    assert watch.commits == 1


SCHEDULED = {"kind": "schedule", "every": "1h", "catch_up": "one"}
FORMED = {"kind": "manual", "inputs": [{"name": "n", "kind": "text"}]}


@pytest.mark.parametrize("begin", ["accept", "sample", "clock", "hand", "changed"])
def test_whatever_starts_a_flow_stores_by_sql_only(workspace: Workspace, begin: str, valkey_server: object) -> None:
    trigger = {"clock": SCHEDULED, "hand": FORMED}.get(begin, {**KEYS["slow dedupe"], **SPLITS["split"]})
    settings = {"ordered": True, "order_key": SLOW + "{{ event.body.id | default('x') }}"}
    flow = flow_lifecycle.import_document(workspace, document(trigger, settings), publish_it=True)
    arrival = Arrival(flow.trigger.token_digest, StoredRequest("POST", "", "{}", "application/json", BODY), 1)
    doors = TriggerCache()
    if begin == "changed":
        event_store.accept([arrival], doors)
        flow_lifecycle.pause(flow)
    if begin == "clock":
        Schedule.objects.update(next_at=Schedule.objects.get().next_at - timedelta(hours=1))
    ways: dict[str, Callable[[], object]] = {
        "accept": lambda: event_store.accept([arrival], doors),
        "changed": lambda: event_store.accept([arrival], doors),
        "sample": lambda: sample_events.send_sample(flow, BODY),
        "clock": schedules.tick,
        "hand": lambda: internal_events.start_by_hand(flow, {"n": "1"}),
    }

    with watching() as watch:
        ways[begin]()

    assert watch.wrong == set()
    assert watch.commits >= 1
