"""Property test: whatever is pressed in the list of cards, the draft stays valid and the cards show it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.flows import nesting
from relay.flows.checks.validation import parse_document
from relay.models import Flow, Workspace
from relay.web.editor import draft_edits
from relay.web.editor.steps import cards, places, step_edits

KINDS = ("set", "filter", "branch", "loop", "delay", "once", "digest", "respond")
EMPTY: dict[str, Any] = {"relay": 1, "name": "New", "trigger": {"kind": "webhook"}, "steps": []}


def _finish(document: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a new step lacks, as a person would."""
    finished = draft_edits.editable_copy(document)
    for step in nesting.all_steps(finished):
        if step["kind"] == "loop":
            step["over"] = step.get("over") or "{{ event.body.items }}"
        if step["kind"] == "once":
            step["key"] = step.get("key") or "{{ event.body.id }}"
    return finished


def _addresses(document: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Every step, every path, and every place."""
    steps, paths, spots = [], [], ["trigger"]
    for inside in places.step_lists(document):
        spots += [inside.address] if inside.address else []
        for step in inside.steps:
            steps.append(step["id"])
            spots.append(step["id"])
            spots += [f"{step['id']}:{key}" for key in places.possible_lists(step)]
            paths += [f"{step['id']}:{number}" for number, _ in enumerate(nesting.arms(step), 1)]
    return steps, paths, spots


def _command(chance: random.Random, document: dict[str, Any]) -> str:
    steps, paths, spots = _addresses(document)
    step = chance.choice(steps or ["gone"])
    either = chance.choice([*steps, *paths] or ["gone"])
    return chance.choice(
        [
            f"add {chance.choice(KINDS)} {chance.choice(spots)}",
            f"add {chance.choice(KINDS)} {chance.choice(spots)}",
            f"add path {step}",
            f"add failure {step}",
            f"unfail {step}",
            f"move {step} {chance.choice(spots)}",
            f"move {step} {chance.choice(spots)}",
            f"up {either}",
            f"down {either}",
            f"out {step}",
            f"into {step}",
            f"duplicate {either}",
            f"switch {step}",
            f"remove {either}",
            f"copy {step}",
            f"paste {chance.choice(spots)}",
            "undo",
        ]
    )


def _assert_cards_show(document: dict[str, Any]) -> None:
    """The cards and their groups are exactly the steps, paths and lists of the document, in order."""
    shown = cards.build_cards(document, {})
    by_id = {card.id: card for card in cards.every_card(shown)}
    assert [card.id for card in shown] == [step["id"] for step in document["steps"]]
    for inside in places.step_lists(document):
        if inside.holder is not None and (inside.steps or not inside.address.endswith(f":{places.FAILURE}")):
            group = next(group for group in by_id[inside.holder["id"]].groups if group.address == inside.address)
            assert [card.id for card in group.cards] == [step["id"] for step in inside.steps]
    steps, paths, _ = _addresses(document)
    assert sorted(by_id) == sorted([*steps, *paths])
    for step in nesting.all_steps(document):
        if step["kind"] == "branch":
            assert by_id[step["id"]].groups[-1].kind == "otherwise"


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_commands_keeps_the_draft_valid(alices: tuple[Client, Workspace], seed: int) -> None:
    client, workspace = alices
    flow = flow_lifecycle.create_flow(workspace, EMPTY)
    chance = random.Random(seed)

    for _ in range(35):
        document = draft_edits.editable_copy(flow.draft)
        command = _command(chance, document)
        answer = client.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": command})
        assert answer.status_code in (200, 302), command  # 200 for a text that can't be pasted
        flow.refresh_from_db()

        edited = draft_edits.editable_copy(flow.draft)
        _assert_cards_show(edited)
        _no_branch_is_empty(edited)
        parse_document(_finish(edited))
    assert client.get(f"/flows/{flow.pk}/").status_code == 200


def _no_branch_is_empty(document: dict[str, Any]) -> None:
    """A branch whose paths were all removed gets one, because publishing would refuse it."""
    for step in nesting.all_steps(document):
        if step["kind"] == "branch" and not step["branches"]:
            step_edits.add_path(document, step["id"])


def test_undo_gives_back_what_a_command_changed(alice: Client, flow: Flow) -> None:
    document = {**flow.draft, "steps": _nested()}
    flow_lifecycle.save_draft(flow, document)

    for command in (
        "remove route",
        "remove route:1",
        "remove de",
        "up route:2",
        "down each",
        "move de each:steps",
        "out de",
        "into each",
        "unfail de",
    ):
        alice.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": command})
        flow.refresh_from_db()
        assert flow.draft != document, command

        alice.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": "undo"})
        flow.refresh_from_db()
        assert flow.draft == document, command


def _nested() -> list[dict[str, Any]]:
    paths = [
        {
            "name": "Germany",
            "when": {"all": [{"left": "{{ event.body.country }}", "op": "equals", "right": "DE"}]},
            "steps": [
                {
                    "id": "de",
                    "kind": "action",
                    "action": "inbox.post",
                    "inputs": {"text": "x"},
                    "on_error": "branch",
                    "error_steps": [{"id": "oops", "kind": "set", "values": {}}],
                }
            ],
        },
        {"name": "France", "when": {"all": []}, "steps": []},
    ]
    return [
        {"id": "route", "kind": "branch", "branches": paths, "else": []},
        {"id": "each", "kind": "loop", "over": "{{ event.body.items }}", "steps": []},
        {"id": "last", "kind": "set", "values": {}},
    ]
