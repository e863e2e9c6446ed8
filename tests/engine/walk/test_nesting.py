"""Branches and loops walk the right steps with the right names, and a run continues where it waited."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.walk import walk as walking
from relay.engine.walk.steps import looping
from relay.outbound import Answer
from tests.support.walking import OK, POST, Recorder, answer, states, walk, work_item


def when(n: int, op: str = "greater_than") -> dict[str, Any]:
    return {"left": "{{ event.body.n }}", "op": op, "right": n}


def named(name: str, **values: Any) -> dict[str, Any]:
    return {"id": name, "kind": "set", "values": values}


def branch(*arms: tuple[str, int], **more: Any) -> dict[str, Any]:
    """A branch with an arm for each name and number, which is taken when event.body.n is larger."""
    branches = [{"name": name, "when": when(n), "steps": [named(f"in_{name}")]} for name, n in arms]
    return {"id": "choose", "kind": "branch", "branches": branches, **more}


ELSE = {"else": [named("in_else")]}


@pytest.mark.parametrize(
    ("step", "arms", "walked"),
    [
        (branch(("big", 2), ("small", 0)), ["big"], ["choose", "in_big", "after"]),
        (branch(("huge", 9), ("small", 0)), ["small"], ["choose", "in_small", "after"]),
        (branch(("huge", 9), ("large", 7), **ELSE), ["else"], ["choose", "in_else", "after"]),
        (branch(("huge", 9)), [], ["choose", "after"]),
        (branch(("big", 2), ("small", 0), match="all"), ["big", "small"], ["choose", "in_big", "in_small", "after"]),
        (branch(("huge", 9), match="all", **ELSE), ["else"], ["choose", "in_else", "after"]),
        (branch(("big", 2), **ELSE), ["big"], ["choose", "in_big", "after"]),
    ],
)
def test_the_arms_that_are_taken(step: dict[str, Any], arms: list[str], walked: list[str]) -> None:
    outcome = walk(work_item(step, named("after")), Recorder())

    assert [entry.id for entry in outcome.trail] == walked
    assert outcome.trail[0].outputs == {"arm": arms[0] if arms else None, "arms": arms}


def test_a_filter_in_an_arm_ends_the_run() -> None:
    step = branch(("big", 2))
    step["branches"][0]["steps"] = [{"id": "enough", "kind": "filter", "when": when(5)}]

    outcome = walk(work_item(step, POST), Recorder())

    assert (outcome.state, states(outcome)) == ("filtered", [("choose", "branched"), ("enough", "filtered")])


def test_what_was_decided_stays_decided() -> None:
    step = branch(("big", 2), **ELSE)
    step["branches"][0]["steps"] = [POST]
    stopped = walk(work_item(step), Recorder(answer(503)))

    outcome = walk(work_item(step, trail=stopped.trail, tries=1, body=b'{"n": 0}'), Recorder())

    assert states(outcome) == [("choose", "branched"), ("send", "succeeded")]


LIST = b'{"n": 3, "lines": [{"q": 1}, {"q": 5}, {"q": 9}]}'


def loop(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "each", "kind": "loop", "over": "{{ event.body.lines }}", "steps": list(steps), **more}


def telling(url: str = "https://example.com/{{ item.q }}") -> dict[str, Any]:
    return {**POST, "id": "tell", "inputs": {"url": url}}


def urls(sender: Recorder) -> list[str]:
    return [request.url.removeprefix("https://example.com/") for request in sender.sent]


@pytest.mark.parametrize(
    ("step", "sent"),
    [
        (loop(telling()), ["1", "5", "9"]),
        (loop(telling("https://example.com/{{ line.q }}"), **{"as": "line"}), ["1", "5", "9"]),
        (loop(telling("https://example.com/{{ loop.index }}-{{ loop.last }}")), ["1-false", "2-false", "3-true"]),
        (loop(telling(), limit=2), ["1", "5"]),
        (loop(telling(), over="{{ event.body.lines | selectattr('q', 'gt', 1) | list }}"), ["5", "9"]),
        (loop(telling(), over=[{"q": 7}, {"q": "{{ event.body.n }}"}]), ["7", "3"]),
        (loop(telling(), over=[]), []),
        (
            loop(
                {"id": "odd", "kind": "filter", "when": {"left": "{{ item.q }}", "op": "at_least", "right": 5}},
                telling(),
            ),
            ["5", "9"],
        ),
        (
            loop(
                {**loop(telling("https://example.com/{{ item.q }}{{ x }}"), **{"as": "x"}), "id": "i", "over": [0, 1]}
            ),
            ["10", "11", "50", "51", "90", "91"],
        ),
    ],
)
def test_the_steps_are_walked_for_every_element(step: dict[str, Any], sent: list[str]) -> None:
    sender = Recorder()

    outcome = walk(work_item(step, body=LIST), sender)

    assert (outcome.state, urls(sender)) == ("succeeded", sent)


def test_what_the_steps_give_is_gathered() -> None:
    double = named("double", q="{{ item.q * 2 }}")
    after = named(
        "after", all="{{ steps.each.outputs | map(attribute='double.q') | list }}", first="{{ steps.double[0].q }}"
    )

    outcome = walk(work_item(loop(double, limit=2), after, body=LIST), Recorder())

    assert [entry.id for entry in outcome.trail] == ["each", "double[0]", "double[1]", "after"]
    gathered = [{"double": {"q": 2}}, {"double": {"q": 10}}]
    assert outcome.trail[0].outputs == {"count": 2, "left_out": 1, "outputs": gathered}
    assert outcome.trail[3].outputs == {"all": [2, 10], "first": 2}


def test_an_element_does_not_see_what_another_one_gave() -> None:
    big = {"left": "{{ item.q }}", "op": "less_than", "right": 3}
    choose = {"id": "choose", "kind": "branch", "branches": [{"when": big, "steps": [named("mark", n=1)]}]}
    seen = named("seen", mark="{{ steps.mark.n | default('none') }}")

    outcome = walk(work_item(loop(choose, seen), body=LIST), Recorder())

    assert [entry.outputs["mark"] for entry in outcome.trail if entry.id.startswith("seen")] == [
        1,
        "none",
        "none",
    ]


FAILS = (OK, answer(404), OK)


@pytest.mark.parametrize(
    ("more", "answers", "state", "walked"),
    [
        ({}, FAILS, "failed", ["tell[0]", "tell[1]"]),
        ({"on_error": "continue"}, FAILS, "partly_failed", ["tell[0]", "tell[1]", "tell[2]", "after"]),
        (
            {"on_error": "branch", "error_steps": [named("note", why="{{ steps.each.error }} {{ item.q }}")]},
            FAILS,
            "succeeded",
            ["tell[0]", "tell[1]", "note[1]", "tell[2]", "after"],
        ),
        ({"over": "{{ event.body.n }}"}, (), "failed", []),
        ({"over": "{{ event.body.nope }}"}, (), "failed", []),
        ({"over": "{{ event.body.n }}", "on_error": "continue"}, (), "partly_failed", ["after"]),
    ],
)
def test_an_element_that_fails(
    more: dict[str, Any], answers: tuple[Answer, ...], state: str, walked: list[str]
) -> None:
    outcome = walk(work_item(loop(telling(), **more), named("after"), body=LIST), Recorder(*answers))

    assert outcome.state == state
    assert [entry.id for entry in outcome.trail[1:]] == walked
    assert outcome.trail[0].id == "each"


def test_a_loop_goes_on_at_the_element_where_it_waited() -> None:
    step = branch(("big", 2))
    step["branches"][0]["steps"] = [loop(telling())]
    stopped = walk(work_item(step, body=LIST), Recorder(OK, answer(503)))
    sender = Recorder()

    outcome = walk(work_item(step, body=LIST, trail=stopped.trail, tries=1), sender)

    assert (stopped.state, [entry.id for entry in stopped.trail]) == ("waiting", ["choose", "each", "tell[0]"])
    assert (outcome.state, urls(sender)) == ("succeeded", ["5", "9"])
    assert [(tried.step, tried.number) for tried in outcome.attempts] == [("tell[1]", 2), ("tell[2]", 1)]
    assert sender.sent[0].headers["Idempotency-Key"].endswith("-tell[1]")


def test_elements_that_may_be_others_next_time_are_kept() -> None:
    step = loop(telling(), over="{{ event.body.lines | selectattr('q', 'gt', 1) | list }}")
    stopped = walk(work_item(step, body=LIST), Recorder(OK, answer(503)))
    sender = Recorder()

    walk(work_item(step, body=b'{"n": 3}', trail=stopped.trail, tries=1), sender)

    assert urls(sender) == ["9"]


def test_what_was_sent_is_settled_before_much_more_is() -> None:
    body = b'{"lines": [' + b", ".join([b'{"q": 1}'] * 50) + b"]}"
    trail: list[dict[str, Any]] = []
    rounds = []
    while not rounds or rounds[-1] == "queued":
        outcome = walk(work_item(loop(telling()), body=body, trail=trail), Recorder())
        trail = outcome.trail
        rounds.append(outcome.state)
        assert len(outcome.attempts) <= walking.MAX_SENT

    assert rounds == ["queued", "queued", "succeeded"]
    assert len(trail) == 51


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (loop(named("x"), over="{{ range(1001) | list }}"), "has 1001 elements, and takes 1000 at most"),
        (loop(named("x"), over="{{ {'a': 1} }}"), "and this is an object; | items makes a list of its names"),
        (loop(named("x"), over="{{ '[1]' }}"), "and this is text; | parse_json reads a list that is JSON"),
        (loop(named("x"), over="{{ none }}"), "and this is nothing; | default([], true) takes an empty one instead"),
        (
            loop(*[named(f"x{n}") for n in range(4)], over="{{ range(3000) | list }}", limit=3000),
            "walk more than 10000 steps",
        ),
        (
            loop(*[named(f"x{n}") for n in range(4)], over="{{ range(3000) | list }}", limit=3000, on_error="continue"),
            "walk more than 10000 steps",
        ),
    ],
)
def test_a_run_has_limits(step: dict[str, Any], said: str) -> None:
    outcome = walk(work_item(step), Recorder())

    assert (outcome.state, looping.DEFAULT_MAX_ELEMENTS, walking.MAX_STEPS) == ("failed", 1000, 10_000)
    assert said in outcome.reason
