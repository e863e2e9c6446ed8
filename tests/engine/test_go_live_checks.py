"""Tests what is reported as unfinished in flows that could be published."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine import go_live_checks
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.models import Workspace

NOTE = {"id": "note", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}


def lacks(**parts: Any) -> list[str]:
    document = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": [NOTE], **parts}
    return [fault.path for fault in go_live_checks.find_document_faults(document)]


@pytest.mark.parametrize(
    ("step", "is_unfinished"),
    [
        ({"kind": "filter", "when": {"all": [{"left": "", "op": "equals", "right": ""}]}}, True),
        ({"kind": "filter", "when": {"all": []}}, True),
        ({"kind": "filter", "when": {"any": [{"left": "{{ event.body.a }}", "op": "exists"}]}}, False),
        ({"kind": "filter", "when": {"not": {"left": "{{ event.body.a }}", "op": "exists"}}}, False),
        ({"kind": "filter", "when": {"left": 0, "op": "equals", "right": 0}}, False),
        ({"kind": "changed", "value": " "}, True),
        ({"kind": "once", "key": "{{ event.body.id }}"}, False),
        ({"kind": "set", "values": {}}, True),
        ({"kind": "branch", "branches": [{"name": "a", "when": {}, "steps": []}], "else": []}, True),
        ({"kind": "branch", "branches": [{"name": "a", "when": {}, "steps": []}], "else": [NOTE]}, False),
        ({"kind": "loop", "over": "{{ event.body.items }}", "steps": []}, True),
        ({"kind": "filter", "when": {"all": []}, "disabled": True}, False),
    ],
)
def test_steps(step: dict[str, Any], *, is_unfinished: bool) -> None:
    assert lacks(steps=[{"id": "one", **step}, NOTE | {"id": "last"}]) == (["one"] if is_unfinished else [])


def test_a_nested_step_counts_as_one_of_the_flow() -> None:
    empty = {"id": "inner", "kind": "filter", "when": {"all": []}}

    assert lacks(steps=[{"id": "each", "kind": "loop", "over": "{{ [1] }}", "steps": [empty]}]) == ["inner"]


def test_a_flow_without_steps_and_constants_without_a_value() -> None:
    used = NOTE | {"inputs": {"text": "From {{ constants.sender }}"}}

    assert lacks(steps=[]) == ["flow"]
    assert lacks(steps=[NOTE | {"disabled": True}]) == ["flow"]
    assert lacks(steps=[used], constants={"sender": "", "other": ""}) == ["flow"]
    assert lacks(steps=[used], constants={"sender": "shop@example.com"}) == []


def test_a_sender_without_its_secret(workspace: Workspace) -> None:
    document = {"relay": 1, "name": "Pushes", "trigger": {"kind": "webhook", "preset": "github"}, "steps": [NOTE]}
    flow = flow_lifecycle.create_flow(workspace, document)

    assert [str(one) for one in go_live_checks.find_faults(flow, document)] == [
        "trigger: no secret of GitHub is stored: every request is refused until you add one"
    ]
    trigger_secrets.add(flow, {"secret": "It's a secret to everybody"})
    assert go_live_checks.find_faults(flow, document) == []
