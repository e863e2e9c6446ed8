"""Tests that a dry run reports every step in order, with the request that would be sent."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.dry_run import dry_runs
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run, dry_run_events
from relay.engine.intake.event_data import EventData
from relay.errors import RelayError
from relay.flows.checks.validation import parse_document
from relay.models import Attempt, Event, Run
from tests.support.walking import Held

BIG = {"left": "{{ event.body.n }}", "op": "greater_than", "right": 2}
SLACK = {"id": "say", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "n"}}
CARD = {"id": "card", "kind": "action", "action": "trello.create_card", "connection": "T"}
EVENT = {"body": {"n": 3, "lines": [{"q": 1}, {"q": 2}]}, "query": {"a": ["1", "2"]}, "headers": {"X-Kind": "new"}}


def told(*steps: dict[str, Any], event: Any = EVENT, **context: Any) -> dict[str, Any]:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps)}
    return dry_run(parse_document(document), EventData.from_json(event), DryRunContext("F", **context))


def post(**more: Any) -> dict[str, Any]:
    inputs = {"url": "https://example.com/{{ item.q }}", "body": {"json": {"kind": "{{ event.headers['x-kind'] }}"}}}
    return {"id": "tell", "kind": "action", "action": "http.request", "inputs": inputs, **more}


def test_every_step_is_told_with_its_request() -> None:
    loop = {"id": "each", "kind": "loop", "over": "{{ event.body.lines }}", "steps": [post()]}
    branch = {"id": "choose", "kind": "branch", "branches": [{"name": "big", "when": BIG, "steps": [loop]}]}
    answer = {"id": "say", "kind": "respond", "body": "{{ steps.each.count }} of {{ event.query.a | join('+') }}"}

    found = told(branch, answer)

    assert (found["state"], [step["id"] for step in found["steps"]]) == (
        "succeeded",
        ["choose", "each", "tell[0]", "tell[1]", "say"],
    )
    assert found["steps"][0]["outputs"] == {"arm": "big", "arms": ["big"]}
    sent = found["steps"][3]["request"]
    assert (sent["method"], sent["url"], sent["body"]) == ("POST", "https://example.com/2", '{"kind":"new"}')
    assert sent["headers"]["Content-Type"] == "application/json"
    assert found["steps"][3]["inputs"]["url"] == "https://example.com/2"
    assert found["response"]["body"] == "2 of 1+2"


@pytest.mark.parametrize(
    ("step", "state", "entry"),
    [
        ({"id": "f", "kind": "filter", "when": {**BIG, "right": 9}}, "filtered", {"state": "filtered"}),
        ({"id": "f", "kind": "delay", "for": "1h"}, "waiting", {"state": "waiting"}),
        ({"id": "f", "kind": "set", "values": {"x": "{{ event.body.m }}"}}, "failed", {"state": "failed"}),
        (post(inputs={"url": "{{ event.body.n }}"}, on_error="continue"), "succeeded", {"state": "failed"}),
    ],
)
def test_how_a_dry_run_ends(step: dict[str, Any], state: str, entry: dict[str, Any]) -> None:
    found = told(step)

    assert found["state"] == state
    assert {key: found["steps"][0][key] for key in entry} == entry


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (SLACK, "{{ connection.webhook_url }}"),
        (
            {**CARD, "inputs": {"list_id": "5abbe4b7ddc1b351ef961414", "name": "x"}},
            "https://api.trello.com/1/cards",
        ),
    ],
)
def test_a_connection_may_be_missing(step: dict[str, Any], shown: str) -> None:
    found = told(step)

    assert found["state"] == "succeeded"
    request = found["steps"][0]["request"]
    assert request["url"].startswith(shown)
    assert "{{ connection." in request["url"] + str(request["headers"])


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://EXAMPLE.com:443/ü?q=é#top", "https://example.com/%C3%BC?q=%C3%A9"),
        ("http://example.com:8080/a/../b/./c%20d", "http://example.com:8080/b/c%20d"),
        ("https://example.com/?a=[1]&b='x'", "https://example.com/?a=%5B1%5D&b='x'"),
    ],
)
def test_a_request_is_told_as_it_is_sent(url: str, called: str) -> None:
    assert told(post(inputs={"url": url}))["steps"][0]["request"]["url"] == called


def test_variables_of_a_document_that_is_no_flow_stand_as_their_places() -> None:
    where = {"url": "https://example.com", "headers": {"X-Shop": "{{ vars.shop }}"}, "body": {"text": "{{ vars.a }}!"}}
    step, note = post(inputs=where), {"id": "n", "kind": "set", "values": {"x": "{{ vars['shop'] | upper }}"}}

    found, known = told(step, note, is_bare=True), told(step, note)

    request = found["steps"][0]["request"]
    assert (request["headers"]["X-Shop"], request["body"]) == ("{{ vars.shop }}", "{{ vars.a }}!")
    assert found["steps"][1]["outputs"] == {"x": "{{ VARS.SHOP }}"}
    assert known["reason"] == "vars.shop is missing"


def test_secrets_of_a_connection_are_masked() -> None:
    secret = "https://hooks.slack.com/services/T0/B0/verysecret"

    found = told(SLACK, connections={"S": Held({"webhook_url": secret})})

    assert found["state"] == "succeeded"
    assert "verysecret" not in str(found)


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        {"bod": 1},
        {"headers": []},
        {"headers": {"x": "\ud800"}},
        {"query": {"x": "\ud800"}},
        {"query": "\ud800"},
        {"method": "\ud800"},
        {"method": 5},
        {"headers": {"x": {"a": 1}}},
        {"headers": {"x": [["a"]]}},
        {"query": {"x": {"a": 1}}},
        {"body": {"x": "\ud800"}},
    ],
)
def test_an_event_that_is_none(value: Any) -> None:
    with pytest.raises(RelayError):
        EventData.from_json(value)


@pytest.mark.parametrize(
    ("value", "method", "query", "headers"),
    [
        ({"method": "get"}, "GET", "", "{}"),
        ({"headers": {"X-A": None, "X-B": ["a", "b"], "X-N": 5, "X-T": True}}, "POST", "", '{"x-b":"a, b","x-n":"5",'),
        ({"query": {"a": None, "b": [1, "x y", None], "t": False}}, "POST", "b=1&b=x+y&t=false", "{}"),
        ({"query": "?a=1"}, "POST", "a=1", "{}"),
    ],
)
def test_an_event_that_is_written_as_people_do(value: Any, method: str, query: str, headers: str) -> None:
    found = EventData.from_json(value)

    assert (found.method, found.query) == (method, query)
    assert found.headers.startswith(headers)


def test_half_of_a_surrogate_pair_is_told_as_no_character() -> None:
    step = {"id": "s", "kind": "set", "values": {"x": "{{ event.body.t | parse_json }}"}}

    found = told(step, {"id": "r", "kind": "respond", "body": ["{{ '\\ud800' }}"]}, event={"body": {"t": '"\\ud800"'}})

    assert found["steps"][0]["outputs"] == {"x": "\ufffd"}
    assert found["response"]["body"] == '["\ufffd"]'


@pytest.mark.parametrize(
    ("step", "values", "states"),
    [
        ({"kind": "once", "key": "{{ item }}"}, [1, "1", 2], ["passed", "filtered", "passed"]),
        ({"kind": "changed", "value": "{{ item }}"}, [1, 1.0, 2, 1], ["passed", "filtered", "passed", "passed"]),
        (
            {"kind": "changed", "value": "{{ item }}", "deadband": 2},
            [1, 3, 3.5, 1.5],
            ["passed", "filtered", "passed", "filtered"],
        ),
        ({"kind": "changed", "value": 1, "key": "{{ item }}"}, ["a", "b", "a"], ["passed", "passed", "filtered"]),
    ],
)
def test_what_came_before_in_the_same_run_is_not_new(step: Any, values: list[Any], states: list[str]) -> None:
    after = {"id": "after", "kind": "set", "values": {"x": 1}}
    loop = {"id": "each", "kind": "loop", "over": values, "steps": [{"id": "new", **step}, after]}

    found = told(loop)

    assert found["state"] == "succeeded"
    assert [one["state"] for one in found["steps"] if one["id"].startswith("new")] == states
    assert sum(one["id"].startswith("after") for one in found["steps"]) == states.count("passed")


def test_an_empty_list_to_split_is_no_run() -> None:
    trigger = {"kind": "webhook", "split": "{{ event.body.lines }}"}
    document = {"relay": 1, "name": "F", "trigger": trigger, "steps": [post()]}

    found = dry_run(parse_document(document), EventData.from_json({"body": {"lines": []}}), DryRunContext("F"))

    assert (found["state"], found["steps"]) == ("filtered", [])
    assert found["reason"] == "The list that the event is split by is empty"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("name", ["headers", "query", "body", "method"])
def test_an_event_that_is_too_deep(name: str) -> None:
    with pytest.raises(RelayError, match=f"The {name} of this event is nested deeper than 64 levels"):
        EventData.from_json({name: {"a": nested(64)}})


def test_an_event_as_deep_as_what_arrives() -> None:
    assert EventData.from_json({"body": nested(64)}).body == b"[" * 64 + b"1" + b"]" * 64


def test_stored_events_are_checked_at_once_and_nothing_is_written(live: Any, arrive: Any) -> None:
    document = {
        "relay": 1,
        "name": "F",
        "trigger": {"kind": "webhook"},
        "steps": [post(inputs={"url": "https://a.b/{{ event.body.n }}"})],
    }
    flow = live(document)
    arrive(flow, b'{"n": 1}', b"{}")
    before = (Run.objects.count(), Event.objects.count(), Attempt.objects.count())

    found = dry_run_events(parse_document(flow.draft), flow.events.order_by("id"), dry_runs.context_for(flow))

    assert [(one["event"], one["state"]) for one in found] == [
        (event.ref, state) for event, state in zip(flow.events.order_by("id"), ("succeeded", "failed"), strict=True)
    ]
    assert (Run.objects.count(), Event.objects.count(), Attempt.objects.count()) == before
