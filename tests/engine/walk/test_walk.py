"""Walks turn events into outcomes, with a sender that only records."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.database import statements
from relay.engine.flow_control.limiter import Limiter, SendPermit, SendTarget
from relay.engine.walk.runner import walk as walk_on
from relay.errors import ConnectFailed, RequestRefused, SenderBusy
from relay.outbound import Answer
from tests.support.walking import OK, POST, Held, Recorder, answer, states, walk, work_item


def test_steps_see_the_event_and_the_steps_before() -> None:
    values = {"double": "{{ event.body.n * 2 }}", "kind": "{{ event.headers['x-kind'] }}", "as": "{{ event.query.a }}"}
    send = {**POST, "inputs": {"url": "https://example.com/{{ steps.calc.double }}"}}
    after = {"id": "after", "kind": "set", "values": {"answer": "{{ steps.send.body.id }}"}}
    sender = Recorder()

    outcome = walk(work_item({"id": "calc", "kind": "set", "values": values}, send, after), sender)

    assert outcome.state == "succeeded"
    assert sender.sent[0].url == "https://example.com/6"
    assert outcome.trail[0].outputs == {"double": 6, "kind": "new", "as": ["1", "2"]}
    assert outcome.trail[2].outputs == {"answer": "A1"}


def test_a_filter_ends_the_run() -> None:
    small = {"id": "big", "kind": "filter", "when": {"left": "{{ event.body.n }}", "op": "greater_than", "right": 5}}
    sender = Recorder()

    outcome = walk(work_item(small, POST), sender)

    assert (outcome.state, states(outcome), sender.sent) == ("filtered", [("big", "filtered")], [])


def test_the_triggers_condition_is_first() -> None:
    only = {"left": "{{ event.headers['x-kind'] }}", "op": "equals", "right": "other"}

    outcome = walk(work_item(POST, trigger={"only": only}), Recorder())

    assert (outcome.state, outcome.trail) == ("filtered", [])


@pytest.mark.parametrize(
    ("reply", "state", "tries"),
    [
        (answer(503), "waiting", 1),
        (answer(429), "waiting", 1),
        (answer(408), "waiting", 1),
        (ConnectFailed("no connection"), "waiting", 1),
        (answer(400), "failed", 0),
        (answer(302), "failed", 0),
        (RequestRefused("a private address"), "failed", 0),
    ],
)
def test_what_is_tried_again(reply: Answer | Exception, state: str, tries: int) -> None:
    outcome = walk(work_item(POST), Recorder(reply))

    assert (outcome.state, outcome.tries, len(outcome.attempts)) == (state, tries, 1)
    assert (outcome.due_at is not None) == (state == "waiting")
    assert outcome.reason


def test_a_run_goes_on_where_it_stopped() -> None:
    first = {**POST, "id": "first"}
    second = {**POST, "id": "second", "inputs": {"url": "https://example.com/{{ steps.first.body.id }}"}}
    stopped = walk(work_item(first, second), Recorder(OK, answer(500)))
    sender = Recorder()

    outcome = walk(work_item(first, second, trail=stopped.trail, tries=stopped.tries), sender)

    assert stopped.state == "waiting"
    assert states(stopped) == [("first", "succeeded")]
    assert [request.url for request in sender.sent] == ["https://example.com/A1"]
    assert (outcome.state, outcome.attempts[0].number) == ("succeeded", 2)


def test_a_failure_may_be_passed_over() -> None:
    careless = {**POST, "id": "careless", "on_error": "continue"}
    note = {"id": "note", "kind": "set", "values": {"why": "{{ steps.careless.error }}"}}

    outcome = walk(work_item(careless, note), Recorder(answer(404)))

    assert outcome.state == "partly_failed"
    assert "404" in outcome.trail[1].outputs["why"]


@pytest.mark.parametrize(
    ("rule", "state", "said"),
    [
        ({"left": "{{ answer.body.id }}", "op": "equals", "right": "A{{ event.body.one }}"}, "succeeded", ""),
        ({"left": "{{ answer.body.id }}", "op": "equals", "right": "{{ steps.before.id }}"}, "failed", "was 200: "),
        ({"left": "{{ event.body.one }}", "op": "equals", "right": 1}, "succeeded", ""),
        ({"left": 1, "op": "equals", "right": "{{ event.body.two }}"}, "failed", "event.body.two is missing"),
    ],
)
def test_what_a_success_is_may_depend_on_the_event(rule: dict[str, Any], state: str, said: str) -> None:
    before = {"id": "before", "kind": "set", "values": {"id": "B1"}}

    outcome = walk(work_item(before, {**POST, "success": rule}, body=b'{"one": 1}'), Recorder())

    assert outcome.state == state
    assert said in outcome.reason
    assert [(one.status, one.answer is not None) for one in outcome.attempts] == [(200, True)]


@pytest.mark.parametrize(
    ("step", "body", "said"),
    [
        ({"id": "a", "kind": "set", "values": {"x": "{{ event.body.nope }}"}}, b"{}", "event.body.nope"),
        ({"id": "a", "kind": "set", "values": {"x": "{{ 'x' * 10**9 }}"}}, b"{}", ""),
        ({"id": "a", "kind": "set", "values": {"x": "{{ range(10**9) | list }}"}}, b"{}", ""),
        ({"id": "a", "kind": "set", "values": {"x": "{{ event.body }}"}}, b"[" * 100_000, ""),
        ({"id": "a", "kind": "set", "values": {"x": "{{ event.body }}"}}, b"{broken", ""),
    ],
)
def test_hostile_input_fails_the_run_with_a_reason(step: dict[str, Any], body: bytes, said: str) -> None:
    outcome = walk(work_item(step, body=body), Recorder())

    assert outcome.state == "failed"
    assert outcome.reason
    assert said in outcome.reason


def test_secrets_are_masked_in_what_is_kept() -> None:
    card = {
        "id": "card",
        "kind": "action",
        "action": "trello.create_card",
        "connection": "Trello",
        "inputs": {"list_id": "5abbe4b7ddc1b351ef961414", "name": "Order {{ event.body.n }}"},
    }
    secrets = {"key": "0123456789abcdef0123456789abcdef", "token": "ATTAfeedfacefeedface"}

    sender = Recorder()
    outcome = walk(work_item(card, connections={"Trello": Held(secrets)}), sender)

    kept = outcome.attempts[0].request or ""
    assert outcome.state == "succeeded"
    assert secrets["token"] in sender.sent[0].url + str(sender.sent[0].headers)
    assert secrets["key"] not in kept
    assert secrets["token"] not in kept


def test_an_echoed_secret_is_masked_in_the_reason() -> None:
    values = {"webhook_url": "https://hooks.slack.com/services/T0/B0/very-secret-part"}
    tell = {"id": "tell", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "x"}}
    echo = answer(404, f"no_service {values['webhook_url']}".encode())

    outcome = walk(work_item(tell, connections={"S": Held(values)}), Recorder(echo))

    assert outcome.state == "failed"
    assert "no_service" in outcome.reason
    assert "very-secret-part" not in outcome.reason
    assert values["webhook_url"] in outcome.secrets


def test_a_missing_connection_fails_with_the_way_out() -> None:
    card = {
        "id": "card",
        "kind": "action",
        "action": "trello.create_card",
        "connection": "Gone",
        "inputs": {"list_id": "5abbe4b7ddc1b351ef961414", "name": "x"},
    }

    outcome = walk(work_item(card), Recorder())

    assert outcome.state == "failed"
    assert "Gone" in outcome.reason


def test_a_title_names_the_run() -> None:
    outcome = walk(work_item(POST, title="Order {{ event.body.n }}"), Recorder())

    assert outcome.title == "Order 3"


@pytest.mark.parametrize("times", [1, 30])
def test_what_relay_had_no_room_to_send_is_no_try_and_no_failure_of_its_destination(times: int) -> None:
    limiter = Limiter(threads=32)
    for _ in range(times):
        outcome = walk_on(
            work_item(POST, tries=2), Recorder(SenderBusy("Too many names are being looked up.")), limiter
        )

    assert (outcome.state, outcome.tries, outcome.attempts, outcome.reason) == ("queued", 2, [], "")
    assert outcome.due_at is not None
    assert outcome.due_at > statements.now()
    assert limiter.take_failing() == {}
    passes = [limiter.acquire(SendTarget(1, "https://example.com", ""), 1, 16) for _ in range(8)]
    assert all(isinstance(one, SendPermit) for one in passes)  # none was left behind
