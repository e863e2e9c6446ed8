"""Tests of the addresses of steps, paths and lists, and of what surrounds a step."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import Fault, RelayError
from relay.flows import surroundings
from relay.web.editor import draft_edits
from relay.web.editor.steps import cards, places, step_edits


def made(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "set", "values": {}, **more}


DOCUMENT: dict[str, Any] = {
    "steps": [
        made("a"),
        {
            "id": "route",
            "kind": "branch",
            "branches": [{"name": "X", "when": {}, "steps": [made("x")]}, {"name": "Y", "when": {}, "steps": []}],
            "else": [made("o")],
        },
        {
            "id": "each",
            "kind": "loop",
            "over": "",
            "steps": [made("i"), {"id": "ask", "kind": "action", "on_error": "branch", "error_steps": [made("e")]}],
            "on_error": "branch",
            "error_steps": [made("f")],
        },
        made("z"),
    ]
}


def document() -> dict[str, Any]:
    return draft_edits.editable_copy(DOCUMENT)


@pytest.mark.parametrize(
    ("path", "address", "rest"),
    [
        ("steps[0].values.x", "a", "values.x"),
        ("steps[1].branches", "route", "branches"),
        ("steps[1].branches[1].when.op", "route:2", "when.op"),
        ("steps[1].branches[0].steps[0].id", "x", "id"),
        ("steps[1].else[0].values", "o", "values"),
        ("steps[2].steps[1].error_steps[0].values.y", "e", "values.y"),
        ("steps[2].error_steps[0]", "f", ""),
        ("trigger.cron", "trigger", "trigger.cron"),
        ("steps[99].id", "flow", "steps[99].id"),
        ("name", "flow", "name"),
    ],
)
def test_a_fault_belongs_to_the_card_of_its_place(path: str, address: str, rest: str) -> None:
    shown = cards.build_cards(document(), {})

    assert cards.assign_faults([Fault(path, "is wrong")], document(), shown) == [(address, Fault(rest, "is wrong"))]
    marked = {card.id for card in cards.every_card(shown) if card.faults}
    assert marked == {address} - {"trigger", "flow"}


def test_the_path_of_every_step_leads_back_to_it() -> None:
    for steps in places.step_lists(document()):
        for step in steps.steps:
            path = places.path_of(document(), step["id"])
            assert cards.assign_faults([Fault(f"{path}.x", "")], document(), []) == [(step["id"], Fault("x", ""))]


@pytest.mark.parametrize(
    ("place", "before"),
    [
        ("trigger", "a"),
        ("a", "route"),
        ("route:1", "x"),
        ("route:else", "o"),
        ("each:steps", "i"),
        ("ask:error_steps", "e"),
        ("each:error_steps", "f"),
    ],
)
def test_a_place_is_before_the_next_step(place: str, before: str) -> None:
    position = places.resolve(document(), place)

    assert position.list.steps[position.index]["id"] == before


@pytest.mark.parametrize(
    "place",
    ["", "gone", "route:0", "route:3", "route:²", "a:else", "a:steps", "x:1", ":", "route:", f"route:{'9' * 99}"],
)
def test_a_place_that_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(RelayError, match="isn't in the flow any more"):
        places.resolve(document(), place)


@pytest.mark.parametrize(
    ("step", "before", "loops", "failed"),
    [
        ("a", [], [], []),
        ("x", ["a", "route"], [], []),
        ("o", ["a", "route"], [], []),
        ("i", ["a", "route", "x", "o", "each"], ["each"], []),
        ("e", ["a", "route", "x", "o", "each", "i", "ask"], ["each"], ["ask"]),
        ("f", ["a", "route", "x", "o", "each", "i", "ask", "e"], ["each"], ["each"]),
        ("z", ["a", "route", "x", "o", "each"], [], []),
    ],
)
def test_what_is_done_before_a_step(step: str, before: list[str], loops: list[str], failed: list[str]) -> None:
    around = surroundings.find(DOCUMENT, step)

    assert around is not None
    assert [one["id"] for one in around.before] == before
    assert [loop.step["id"] for loop in around.loops] == loops
    assert list(around.failed) == failed


@pytest.mark.parametrize(
    ("step", "place", "why"),
    [
        ("each", "i", "into itself"),
        ("each", "each:steps", "into itself"),
        ("route", "route:2", "into itself"),
        ("a", "gone", "isn't in the flow any more"),
        ("gone", "a", "isn't in the flow any more"),
    ],
)
def test_a_step_is_not_moved_where_it_cannot_be(step: str, place: str, why: str) -> None:
    moved = document()

    with pytest.raises(RelayError, match=why):
        step_edits.move(moved, step, place=place)

    assert moved == document()


def test_steps_are_not_nested_too_deeply() -> None:
    deep = draft_edits.editable_copy({})
    place = "trigger"
    for _ in range(8):
        place = f"{step_edits.add(deep, 'branch', place=place)}:1"
    step_edits.add(deep, "set", place=place)

    with pytest.raises(RelayError, match="8 levels"):
        step_edits.add(deep, "set", place=f"{step_edits.add(deep, 'branch', place=place)}:1")


def test_loops_are_nested_three_deep_and_hold_no_digest() -> None:
    deep = draft_edits.editable_copy({})
    place = "trigger"
    for _ in range(3):
        place = f"{step_edits.add(deep, 'loop', place=place)}:steps"

    with pytest.raises(RelayError, match="3 deep"):
        step_edits.add(deep, "loop", place=place)
    with pytest.raises(RelayError, match="can't be inside a loop"):
        step_edits.add(deep, "digest", place=place)


def test_a_step_put_into_the_error_steps_is_used() -> None:
    moved = document()
    del moved["steps"][2]["on_error"]

    step_edits.move(moved, "z", place="each:error_steps")

    assert moved["steps"][2]["on_error"] == "branch"
    assert [step["id"] for step in moved["steps"][2]["error_steps"]] == ["z", "f"]
