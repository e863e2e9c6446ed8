"""The respond step answers the caller, and error steps run after a failed action."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.walk.trail_entry import TrailEntry
from relay.outbound import Answer
from tests.support.walking import OK, POST, Recorder, answer, states, walk, work_item

TEXT = {"Content-Type": "text/plain; charset=utf-8"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("step", "sent"),
    [
        ({"body": "n is {{ event.body.n }}"}, {"status": 200, "headers": TEXT, "body": "n is 3"}),
        ({"status": 201, "body": {"n": "{{ event.body.n }}"}}, {"status": 201, "headers": JSON, "body": '{"n":3}'}),
        ({"status": "{{ 200 + event.body.n }}"}, {"status": 203, "headers": {}, "body": ""}),
        (
            {"headers": {"content-type": "text/html", "x-n": "{{ event.body.n }}"}, "body": "<p>"},
            {"status": 200, "headers": {"content-type": "text/html", "x-n": "3"}, "body": "<p>"},
        ),
        ({"status": 204, "body": "left out"}, {"status": 204, "headers": {}, "body": ""}),
    ],
)
def test_a_caller_is_answered(step: dict[str, Any], sent: dict[str, Any]) -> None:
    after = {"id": "after", "kind": "set", "values": {"was": "{{ steps.say.status }}"}}

    outcome = walk(work_item({"id": "say", "kind": "respond", **step}, after), Recorder())

    assert (outcome.state, outcome.response) == ("succeeded", sent)
    assert outcome.trail[0] == TrailEntry(id="say", kind="respond", state="responded", outputs=sent)
    assert outcome.trail[1].outputs == {"was": sent["status"]}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"status": "{{ event.body.n }}"}, "between 200 and 599, not 3"),
        ({"status": "{{ event.body.nope }}"}, "event.body.nope is missing"),
        ({"headers": {"x": "{{ 'a\\nb' }}"}}, "has a line break"),
    ],
)
def test_an_answer_that_cannot_be_given_fails_the_run(step: dict[str, Any], said: str) -> None:
    outcome = walk(work_item({"id": "say", "kind": "respond", **step}), Recorder())

    assert (outcome.state, outcome.response) == ("failed", None)
    assert said in outcome.reason


BRANCHING = {**POST, "on_error": "branch", "error_steps": [{**POST, "id": "complain"}]}
AFTER = {**POST, "id": "after"}


@pytest.mark.parametrize(
    ("answers", "state", "walked"),
    [
        ((OK,), "succeeded", [("send", "succeeded"), ("after", "succeeded")]),
        ((answer(404),), "succeeded", [("send", "failed"), ("complain", "succeeded"), ("after", "succeeded")]),
        ((answer(404), answer(404)), "failed", [("send", "failed"), ("complain", "failed")]),
    ],
)
def test_a_failed_action_has_steps_of_its_own(
    answers: tuple[Answer, ...], state: str, walked: list[tuple[str, str]]
) -> None:
    outcome = walk(work_item(BRANCHING, AFTER), Recorder(*answers))

    assert (outcome.state, states(outcome)) == (state, walked)


def test_the_steps_of_an_error_go_on_where_they_waited() -> None:
    note = {"id": "note", "kind": "set", "values": {"why": "{{ steps.send.error }}"}}
    step = {**BRANCHING, "error_steps": [note, {**POST, "id": "complain"}]}
    stopped = walk(work_item(step, AFTER), Recorder(answer(404), answer(503)))
    sender = Recorder()

    outcome = walk(work_item(step, AFTER, trail=stopped.trail, tries=stopped.tries), sender)

    assert (stopped.state, states(stopped)) == ("waiting", [("send", "failed"), ("note", "set")])
    assert "404" in stopped.trail[1].outputs["why"]
    assert (outcome.state, len(sender.sent)) == ("succeeded", 2)
