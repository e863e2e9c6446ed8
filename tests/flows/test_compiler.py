"""Tests the compiled form of a document."""

from __future__ import annotations

from typing import Any

from relay.flows.checks.validation import parse_document
from relay.flows.compiler import ActionStep, FilterStep, SetStep, compile_plan

DOCUMENT: dict[str, Any] = {
    "relay": 1,
    "name": "Orders",
    "title": "Order {{ event.body.id }}",
    "trigger": {"kind": "webhook", "only": {"left": "{{ event.body.id }}", "op": "exists"}},
    "steps": [
        {"id": "big", "kind": "filter", "when": {"left": "{{ event.body.id }}", "op": "greater_than", "right": 3}},
        {"id": "off", "kind": "set", "values": {"x": 1}, "disabled": True},
        {"id": "made", "kind": "set", "name": "Names", "values": {"n": "{{ event.body.id }}"}},
        {
            "id": "tell",
            "kind": "action",
            "action": "slack.post_message",
            "connection": "Team",
            "inputs": {"text": "{{ steps.made.n }}"},
            "retry": {"delays": ["500ms", "2m"]},
            "timeout": "5s",
            "success": {"left": "{{ answer.body }}", "op": "equals", "right": "ok"},
            "on_error": "continue",
        },
        {"id": "note", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}},
    ],
}


def test_a_plan_has_all_compiled_and_leaves_out_what_is_off() -> None:
    plan = compile_plan(parse_document(DOCUMENT))

    big, made, tell, note = plan.steps
    context = {"event": {"body": {"id": 5}}, "steps": {"made": {"n": 5}}}
    assert isinstance(big, FilterStep)
    assert isinstance(made, SetStep)
    assert isinstance(tell, ActionStep)
    assert isinstance(note, ActionStep)
    assert (plan.name, plan.connections) == ("Orders", {"Team"})
    assert plan.title is not None
    assert plan.title.render(context) == "Order 5"
    assert plan.only is not None
    assert plan.only.holds(context)
    assert big.condition.holds(context)
    assert (made.name, made.values.render(context)) == ("Names", {"n": 5})
    assert (tell.connector.key, tell.action.key, tell.connection) == ("slack", "post_message", "Team")
    assert tell.inputs.render(context) == {"text": 5}
    assert (tell.delays, tell.timeout, tell.on_error) == ((0.5, 120.0), 5.0, "continue")
    assert tell.success is not None
    assert tell.success({"answer": {"body": "ok"}})
    assert (note.name, note.timeout, note.success, note.on_error) == ("note", None, None, "stop")
    assert note.delays == (10.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0)


def test_a_stored_document_compiles_as_it_is() -> None:
    plan = compile_plan({"relay": 1, "name": "n", "trigger": {"kind": "webhook"}, "steps": []})

    assert (plan.title, plan.only, plan.steps, plan.connections) == (None, None, (), frozenset())
