"""Tests the descriptions of differences between two documents."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from relay.flows.diff import describe, differences

JSON = dict[str, Any]


def action(step_id: str = "tell", **keys: Any) -> JSON:
    inputs = {"channel": "C1", "text": "Hello"}
    return {"id": step_id, "kind": "action", "action": "slack.post_message", "inputs": inputs, **keys}


def document(*steps: JSON, **keys: Any) -> JSON:
    return {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": list(steps), **keys}


BIG = {"id": "big", "kind": "filter", "name": "Only big orders", "when": {"all": []}}
TELL = action(name="Tell Slack")
USUAL = document(BIG, TELL)


def test_the_same_is_no_difference() -> None:
    assert differences(USUAL, copy.deepcopy(USUAL)) == []
    assert describe(USUAL, USUAL) == ""


def test_several_are_one_sentence() -> None:
    before = document({"id": "a", "kind": "set", "values": {}}, TELL)
    after = document(before["steps"][0], action(name="Tell Slack", inputs={"channel": "C1", "text": "Hi"}), BIG)

    words = describe(before, after)

    assert words == "Step 2 “Tell Slack”: message changed; step “Only big orders” added"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (document(TELL), document(), "Step “Tell Slack” removed"),
        (document(action()), document(action(name="Tell")), "Step 1 “Tell”: renamed from “tell”"),
        (document(TELL), document({**TELL, "disabled": True}), "Step 1 “Tell Slack”: disabled"),
        (document({**TELL, "disabled": True}), document({**TELL, "disabled": False}), "Step 1 “Tell Slack”: enabled"),
        (document(BIG, TELL), document(TELL, BIG), "Step 2 “Only big orders”: moved from place 1"),
        (document(TELL), document({**TELL, "connection": "Team"}), "Step 1 “Tell Slack”: connection added"),
        (
            document(TELL),
            document({**TELL, "action": "inbox.post", "inputs": {}}),
            "Step 1 “Tell Slack”: action changed",
        ),
        (
            document(TELL),
            document({**TELL, "retry": {"delays": ["5s"]}, "on_error": "continue", "note": "x"}),
            "Step 1 “Tell Slack”: tries added, what happens on an error added, note added",
        ),
        (document(BIG), document({**BIG, "when": {"any": [1]}}), "Step 1 “Only big orders”: condition changed"),
        (
            document({"id": "s", "kind": "set", "values": {"a": 1, "b": 2}}),
            document({"id": "s", "kind": "set", "values": {"b": 3, "c": True}}),
            "Step 1 “s”: value a removed, value b changed, value c added",
        ),
        (document(), document(name="New", title="T"), "Flow: name changed, title of runs added"),
        (document(), document(trigger={"kind": "schedule", "every": "5m"}), "Trigger: kind changed, interval added"),
        (
            document(trigger={"kind": "webhook", "response": {"status": 200}}),
            document(trigger={"kind": "webhook", "response": {"status": 201, "body": "x"}}),
            "Trigger: answer: status changed, answer: body added",
        ),
        (document(), document(settings={"ordered": True}), "Settings: ordered is on now"),
        (document(settings={"store_bodies": False}), document(), "Settings: keeping of bodies is as usual now"),
        (
            document(settings={"retention": "30d"}),
            document(settings={"retention": "90d"}),
            "Settings: retention changed",
        ),
        (
            document(settings={"alerts": {"on": "never"}}),
            document(settings={"alerts": {"on": "first_failure", "silence": "4h"}}),
            "Settings: alerts: moment changed, alerts: silence added",
        ),
        (document(constants={"vat": 19}), document(constants={"vat": 20}), "Constants: vat changed"),
        (document(), document(settings={}, constants={}, steps=[]), ""),
    ],
)
def test_differences_in_words(before: JSON, after: JSON, words: str) -> None:
    assert describe(before, after) == words


def branch(*arms: JSON, **keys: Any) -> JSON:
    return {"id": "which", "kind": "branch", "name": "Which", "branches": list(arms), **keys}


def arm(name: str, *steps: JSON, when: Any = True) -> JSON:
    return {"name": name, "when": when, "steps": list(steps)}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            document(branch(arm("Big", TELL))),
            document(branch(arm("Big", action(name="Tell Slack", inputs={"text": "x", "channel": "C1"})))),
            "Step 1.1 “Tell Slack”: message changed",
        ),
        (document(branch(arm("Big"))), document(branch(arm("Big", TELL))), "Step “Tell Slack” added"),
        (document(branch(arm("Big"))), document(branch(arm("Big", when=False))), "Step 1 “Which”: path Big changed"),
        (document(branch(arm("Big"))), document(branch(arm("Big"), arm("Odd"))), "Step 1 “Which”: path Odd added"),
        (
            document(branch(arm("Big"), **{"else": []}), TELL),
            document(branch(arm("Big"), **{"else": [TELL]})),
            "Step 1.1 “Tell Slack”: moved into “else” of “Which”",
        ),
        (
            document({"id": "each", "kind": "loop", "over": "{{ 1 }}", "steps": [TELL]}),
            document({"id": "each", "kind": "loop", "over": "{{ 2 }}", "steps": []}, TELL),
            "Step 1 “each”: list changed; Step 2 “Tell Slack”: moved out to the flow itself",
        ),
        (
            document(action(error_steps=[BIG])),
            document(action(error_steps=[])),
            "Step “Only big orders” removed",
        ),
    ],
)
def test_steps_within_steps(before: JSON, after: JSON, words: str) -> None:
    assert describe(before, after) == words


def test_only_what_was_moved_is_said_to_have_moved() -> None:
    steps = [{"id": name, "kind": "set", "values": {}} for name in "abcdef"]

    found = differences(document(*steps), document(*steps[1:], steps[0]))

    assert [one.subject for one in found] == ["Step 6 “a”"]


def test_short_values_are_said_and_long_ones_cut() -> None:
    before, after = document(TELL), document(action(name="Tell Slack", inputs={"channel": "C1", "text": "long " * 99}))

    (detail,) = differences(before, after)[0].details

    assert detail.before == "Hello"
    assert len(detail.after) == 61


@pytest.mark.parametrize(
    "inputs",
    [
        {"url": "https://hooks.example.com/services/s3cr3t"},
        {"url": "https://me:s3cr3t@example.com/"},
        {"url": "https://example.com/?key=s3cr3t"},
        {"headers": {"Authorization": "Bearer s3cr3t"}},
        {"api_key": "s3cr3t"},
        {"password": "s3cr3t"},
    ],
)
def test_no_secret_is_said(inputs: JSON) -> None:
    step = {"id": "post", "kind": "action", "action": "http.request"}

    found = differences(document({**step, "inputs": {}}), document({**step, "inputs": inputs}))

    assert found
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize("odd", [None, 1, "x", [], [None, 3, {"id": 4}], {"steps": 1}, [{"id": "a"}]])
def test_half_built_drafts_are_compared_too(odd: Any) -> None:
    made = differences({"steps": odd, "trigger": odd, "settings": odd, "name": odd}, USUAL)

    assert "Step “Tell Slack” added" in [str(one) for one in made]


def test_a_draft_nested_beyond_reason_is_compared() -> None:
    step: JSON = {"id": "s0", "kind": "loop"}
    for number in range(1, 400):
        step = {"id": f"s{number}", "kind": "loop", "steps": [step]}

    assert len(differences(document(), document(step))) < 30
