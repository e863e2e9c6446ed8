"""Tests drafts that are larger than a page can show: they are refused, or edited as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow
from relay.web.editor.steps import pieces

RULE = {"left": "{{ event.body.id }}", "op": "equals", "right": 1}
MANY = {f"key{number}": "{{ 1 }}" for number in range(101)}
STEP: dict[str, Any] = {"id": "a", "kind": "set", "values": {}}


def _apply(client: Client, flow: Flow, steps: list[dict[str, Any]]) -> str:
    """Replace the flow by a text, and return the page."""
    document = {"relay": 1, "name": "Large", "trigger": {"kind": "webhook"}, "steps": steps}
    form = {"do": "text", "step": "flow", "text": json.dumps(document)}
    answer = client.post(f"/flows/{flow.pk}/edit/", form, headers={"HX-Request": "true"})
    flow.refresh_from_db()
    return answer.content.decode()


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([{**STEP, "id": f"a{number}"} for number in range(101)], "a flow may have 100 steps; this one has 101"),
        ([{"id": "b", "kind": "loop", "steps": [STEP] * 150}], "a flow may have 100 steps; this one has 151"),
        ([{"id": "b", "kind": "branch", "branches": [{"name": "x"}] * 201}], "200 paths together; these have 201"),
    ],
)
def test_a_text_with_too_many_cards_is_refused(alice: Client, flow: Flow, steps: list[Any], why: str) -> None:
    before = flow.draft

    page = _apply(alice, flow, steps)

    assert why in page
    assert flow.draft == before


def test_a_draft_that_is_too_large_can_only_shrink(alice: Client, flow: Flow) -> None:
    steps = [{**STEP, "id": f"a{number}"} for number in range(120)]
    Flow.objects.filter(pk=flow.pk).update(draft={**flow.draft, "steps": steps})

    alice.post(f"/flows/{flow.pk}/edit/", {"do": "remove a7", "step": "a7"})
    alice.post(f"/flows/{flow.pk}/edit/", {"do": "duplicate a8", "step": "a8"})

    flow.refresh_from_db()
    assert [step["id"] for step in flow.draft["steps"]] == [f"a{number}" for number in range(120) if number != 7]


def test_a_document_with_too_many_paths_is_not_published(flow: Flow) -> None:
    path = {"name": "x", "when": {"all": [RULE]}, "steps": []}
    branches = [{"id": f"b{number}", "kind": "branch", "branches": [path] * 67} for number in range(3)]
    Flow.objects.filter(pk=flow.pk).update(draft={**flow.draft, "steps": branches})
    flow.refresh_from_db()

    faults = flow_lifecycle.check(flow)

    assert [fault.message for fault in faults] == ["the branches of a flow may have 200 paths together"]


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ({"id": "a", "kind": "set", "values": MANY}, "more rows than a form can show"),
        ({"id": "a", "kind": "filter", "when": {"all": [RULE] * 101}}, 'name="when"'),
        ({"id": "a", "kind": "action", "action": "http.request", "inputs": {"headers": MANY}}, "than a form can show"),
    ],
)
def test_a_step_with_too_many_rows_is_edited_as_text(
    alice: Client, flow: Flow, step: dict[str, Any], shown: str
) -> None:
    _apply(alice, flow, [step])

    page = alice.get(f"/flows/{flow.pk}/", {"step": "a"}).content.decode()
    alice.post(f"/flows/{flow.pk}/edit/", {"do": "save", "step": "a"})

    assert shown in page
    flow.refresh_from_db()
    assert flow.draft["steps"] == [step]


def test_constants_with_too_many_rows_are_edited_as_text(alice: Client, flow: Flow) -> None:
    Flow.objects.filter(pk=flow.pk).update(draft={**flow.draft, "constants": MANY})

    page = alice.get(f"/flows/{flow.pk}/", {"step": "flow"}).content.decode()

    assert "more rows than a form can show" in page


def test_a_piece_with_too_many_steps_is_refused_before_it_is_renamed(
    alice: Client, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pieces, "rename")
    piece = json.dumps([STEP] * 5_000)

    page = alice.post(
        f"/flows/{flow.pk}/edit/",
        {"do": "paste tell", "step": "tell", "piece": piece},
        headers={"HX-Request": "true"},
    ).content.decode()

    assert "A flow may have 100 steps" in page
