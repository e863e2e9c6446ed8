"""Tests the fan-out of an event into a run for each element of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.dry_run import dry_runs
from relay.engine.intake import event_store
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.splitting import MAX_RUNS
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.preview import preview
from relay.engine.runs import replay
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import DocumentFaults
from relay.flows.checks.validation import parse_document
from relay.models import Event, Flow, InboxMessage, Run, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

TELL = {"id": "tell", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ loop.index }}: {{ item.sku }}"}}


def splitting(**keys: Any) -> dict[str, Any]:
    trigger = {"kind": "webhook", "split": "{{ event.body['items'] }}", **keys.pop("trigger", {})}
    return {"relay": 1, "name": "S", "title": "{{ item.sku }}", "trigger": trigger, "steps": [TELL], **keys}


def body(*skus: str) -> bytes:
    return msgspec.json.encode({"id": 7, "items": [{"sku": sku} for sku in skus]})


def test_each_element_is_a_run(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    flow = live(splitting())

    runs = arrive(flow, body("a", "b", "c"), body("d"))
    work(walkers=walkers, linger=0)

    assert [run.part for run in runs] == [1, 2, 3, 1]
    assert Event.objects.count() == 2
    assert list(Run.objects.order_by("id").values_list("title", "state")) == [
        (sku, "succeeded") for sku in ("a", "b", "c", "d")
    ]
    assert sorted(InboxMessage.objects.values_list("text", flat=True)) == ["1: a", "1: d", "2: b", "3: c"]


def test_an_empty_list_is_no_run(live: Callable[..., Flow], arrive: Callable[..., list[Run]]) -> None:
    assert arrive(live(splitting()), body()) == []
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b'{"items": {"a": 1}}', "The event can't be split: {{ event.body['items'] }} gives no list"),
        (b'{"other": 1}', "event.body.items is missing"),
        (b"{", "JSON"),
        (body(*["x"] * (MAX_RUNS + 1)), "The event can't be split: the list has 1,001 elements; it may have 1,000"),
    ],
)
def test_what_can_not_be_split_is_one_run_that_says_so(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads, sent: bytes, said: str
) -> None:
    (run,) = arrive(live(splitting()), sent)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert run.state == "failed"
    assert said in run.reason


def test_as_many_as_may_be_are_taken(live: Callable[..., Flow], arrive: Callable[..., list[Run]]) -> None:
    assert len(arrive(live(splitting()), body(*["x"] * MAX_RUNS))) == MAX_RUNS


def test_order_is_that_of_the_list(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    skus = [str(number) for number in range(20)]
    arrive(live(splitting(settings={"ordered": True})), body(*skus))

    work(walkers=walkers, linger=0)

    texts = InboxMessage.objects.order_by("id").values_list("text", flat=True)
    assert [text.partition(": ")[2] for text in texts] == skus


def test_what_comes_twice_is_split_once(live: Callable[..., Flow]) -> None:
    flow = live(splitting(trigger={"dedupe": {"key": "{{ event.body.id }}"}}))
    arrival = Arrival(flow.trigger.token_digest, StoredRequest("POST", "", "{}", "application/json", body("a", "b")), 1)

    accepted = event_store.accept([arrival, arrival], TriggerCache())

    assert [one.is_duplicate for one in accepted] == [False, True]
    assert Run.objects.count() == 2


def test_a_paused_flow_holds_each_element(live: Callable[..., Flow], arrive: Callable[..., list[Run]]) -> None:
    flow = live(splitting())
    flow_lifecycle.pause(flow)

    assert [run.state for run in arrive(flow, body("a", "b"))] == ["held", "held"]


def test_a_draft_captures_the_event_alone(workspace: Workspace, arrive: Callable[..., list[Run]]) -> None:
    assert arrive(flow_lifecycle.import_document(workspace, splitting()), body("a", "b")) == []
    assert Event.objects.get().state == "captured"


def test_a_replay_keeps_its_element(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    runs = arrive(live(splitting()), body("a", "b"))
    work(walkers=walkers, linger=0)

    runs[1].refresh_from_db()
    copy = replay.from_start(runs[1])
    work(walkers=walkers, linger=0)

    copy.refresh_from_db()
    assert (copy.part, copy.title, copy.state) == (2, "b", "succeeded")


def test_a_loop_inside_gives_the_element_back(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    loop = {
        "id": "l",
        "kind": "loop",
        "over": "{{ [1, 2] }}",
        "steps": [{"id": "v", "kind": "set", "values": {"x": 1}}],
    }
    arrive(live(splitting(steps=[loop, TELL])), body("a"))

    work(walkers=walkers, linger=0)

    assert InboxMessage.objects.get().text == "1: a"


def test_previews_and_dry_runs_show_the_first_element(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]]
) -> None:
    flow = live(splitting())
    arrive(flow, body("a", "b"))
    event = EventData(1, "POST", "", "{}", "application/json", body("a", "b"), 0)

    shown = preview.preview(flow, flow.draft, "tell", Event.objects.get())

    assert shown.fields["text"].text == "1: a"
    assert dry_runs.run(flow.draft, event, dry_runs.context_for(flow))["state"] == "succeeded"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"trigger": {"split": "event.body.items"}}, "trigger.split: is a template that gives a list"),
        ({"trigger": {"split": "{{ vars.list }}"}}, "trigger.split: is made of the event alone"),
        ({"trigger": {"split": "{{ event."}}, "trigger.split: line 1"),
        ({"trigger": {"split": ""}}, "title: item is not a name here"),
        ({"trigger": {"kind": "manual"}}, "trigger.split: is for triggers of the kind webhook"),
    ],
)
def test_what_is_wrong_is_said(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(DocumentFaults) as caught:
        parse_document(splitting(**keys))

    assert said in str(caught.value)
