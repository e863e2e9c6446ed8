"""Tests loops and fan-outs over one XML element, several and none."""

from __future__ import annotations

from typing import Any

import pytest

from relay.bodies.payloads import parse
from relay.engine.intake import event_store
from relay.engine.intake.elements import render_list
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import MissingName
from relay.models import Flow, InboxMessage, Run
from relay.models.flows import digest
from relay.templating import compile_tree

ITEM = "<item><sku>{}</sku></item>"
TELL = {"id": "tell", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ item.sku }}"}}


def order(*skus: str) -> bytes:
    return f"<order>{''.join(map(ITEM.format, skus))}</order>".encode()


def found(source: str, body: bytes, kind: str) -> Any:
    context = {"event": {"headers": {"content-type": kind}, "body": parse(body, kind)}}
    return render_list(compile_tree(source), source, context)


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8", "application/soap+xml"])
@pytest.mark.parametrize(
    "source", ["{{ event.body.order.item }}", "{{ event.body['order'].item }}", "{{event.body.order['item']}}"]
)
@pytest.mark.parametrize("skus", [(), ("A",), ("A", "B"), ("A", "B", "C")])
def test_elements_of_xml_are_a_list_whatever_their_number(kind: str, source: str, skus: tuple[str, ...]) -> None:
    assert found(source, order(*skus), kind) == [{"sku": sku} for sku in skus]


@pytest.mark.parametrize(
    ("body", "elements"),
    [
        (b"<order><id>7</id></order>", []),
        (b"<order id='7'/>", []),
        (b"<order><item>A</item></order>", ["A"]),
        (b"<order><item/></order>", [None]),
        (b"<order><item/><item/></order>", [None, None]),
        (b"<order><item a='1'>x</item></order>", [{"@a": "1", "#text": "x"}]),
    ],
)
def test_one_element_of_any_kind_is_a_list_of_one(body: bytes, elements: list[Any]) -> None:
    assert found("{{ event.body.order.item }}", body, "text/xml") == elements


@pytest.mark.parametrize(
    "source", ["{{ event.body.bestellung.item }}", "{{ event.body.order.items.item }}", "{{ item.x }}"]
)
def test_a_wrong_path_is_still_missing(source: str) -> None:
    with pytest.raises(MissingName):
        found(source, order("A"), "text/xml")


@pytest.mark.parametrize("source", ["{{ event.body.order }}", "{{ event.body.order.item | first }}"])
def test_json_and_expressions_stay_as_they_are(source: str) -> None:
    assert found(source, b'{"order": {"item": [{"sku": "A"}]}}', "application/json") != [{"sku": "A"}]


def arrive(flow: Flow, body: bytes) -> None:
    """Store XML as ingest does."""
    headers = '{"content-type":"application/xml"}'
    request = StoredRequest("POST", "", headers, "application/xml", body, "127.0.0.1")
    arrival = Arrival(digest(flow.trigger.token), request, 1_700_000_000_000_000)
    event_store.accept([arrival], TriggerCache())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("skus", [(), ("A",), ("A", "B")])
def test_a_loop_over_xml(live: Any, walkers: WalkThreads, skus: tuple[str, ...]) -> None:
    loop = {"id": "each", "kind": "loop", "over": "{{ event.body.order.item }}", "steps": [TELL]}
    flow = live({"relay": 1, "name": "X", "trigger": {"kind": "webhook"}, "steps": [loop]})

    arrive(flow, order(*skus))
    work(walkers=walkers, linger=0)

    assert Run.objects.get().state == "succeeded"
    assert sorted(InboxMessage.objects.values_list("text", flat=True)) == list(skus)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("skus", [(), ("A",), ("A", "B")])
def test_a_split_of_xml(live: Any, walkers: WalkThreads, skus: tuple[str, ...]) -> None:
    trigger = {"kind": "webhook", "split": "{{ event.body.order.item }}"}
    flow = live({"relay": 1, "name": "X", "trigger": trigger, "steps": [TELL]})

    arrive(flow, order(*skus))
    work(walkers=walkers, linger=0)

    assert [run.state for run in Run.objects.all()] == ["succeeded"] * len(skus)
    assert sorted(InboxMessage.objects.values_list("text", flat=True)) == list(skus)
