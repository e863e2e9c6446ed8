"""Tests which variables and constants a document uses, and the faults of these uses."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import DocumentFaults
from relay.flows.checks.validation import parse_document
from relay.flows.references import find_mentions, find_references, used_names, variable_faults

JSON = dict[str, Any]


def document(*steps: JSON, **keys: Any) -> JSON:
    return {"relay": 1, "name": "{{ vars.no }}", "trigger": {"kind": "webhook"}, "steps": list(steps), **keys}


def action(**keys: Any) -> JSON:
    return {"id": "send", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ vars.a }}"}, **keys}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{{ vars.a }}", {"a"}),
        ("{{ vars['a'] }} {{ vars.b | upper }}", {"a", "b"}),
        ("{% for x in vars.list %}{{ x }}{% endfor %}", {"list"}),
        ("{{ vars }}", {""}),
        ("{{ vars[event.body.x] }}", {""}),
        ("{{ event.vars.a }} vars.a", set()),
        ("{{ vars.", set()),
        ("{% set vars = {'a': 1} %}{{ vars.a }}", set()),
    ],
)
def test_names_of_a_template(source: str, names: set[str]) -> None:
    assert used_names(source, "vars") == names


@pytest.mark.parametrize(
    ("made", "places"),
    [
        (document(action()), ["steps[0].inputs.text"]),
        (document(action(name="{{ vars.a }}", note="{{ vars.a }}")), ["steps[0].inputs.text"]),
        (document(action(disabled=True)), []),
        (document(action(inputs={"name": "{{ vars.a }}"})), ["steps[0].inputs.name"]),
        (document(title="{{ vars.a }}"), ["title"]),
        (document(description="{{ vars.a }}", folder="{{ vars.a }}"), []),
        (
            document(
                trigger={"kind": "webhook", "only": {"left": "{{ vars.a }}"}, "response": {"body": "{{ vars.a }}"}}
            ),
            ["trigger.only.left"],
        ),
        (
            document({"id": "l", "kind": "loop", "over": "{{ vars.a }}", "steps": [action()]}),
            ["steps[0].over", "steps[0].steps[0].inputs.text"],
        ),
        (
            document({"id": "b", "kind": "branch", "branches": [{"name": "x", "when": "{{ vars.a }}", "steps": []}]}),
            ["steps[0].branches[0].when"],
        ),
    ],
)
def test_places_of_a_document(made: JSON, places: list[str]) -> None:
    assert [use.path for use in find_references(made, "vars")] == places


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (action(), []),
        (action(inputs={"text": "{{ vars.key }}"}), []),
        (action(inputs={"text": "{{ vars.kex }}"}), ["steps[0].inputs.text: there is no variable kex"]),
        (action(success={"left": "{{ vars.key }}"}), ["steps[0].success.left: key is a secret variable"]),
        ({"id": "s", "kind": "set", "values": {"x": "{{ vars.key }}"}}, ["steps[0].values.x: key is a secret"]),
        ({"id": "s", "kind": "set", "values": {"inputs": "{{ vars.key }}"}}, ["steps[0].values.inputs: key is a"]),
        (
            {"id": "f", "kind": "filter", "when": {"left": "{{ vars.key }}", "op": "exists"}},
            ["steps[0].when.left: key is a secret variable"],
        ),
    ],
)
def test_secret_variables_have_their_place(step: JSON, said: list[str]) -> None:
    faults = variable_faults(find_references(document(step), "vars"), {"a": False, "key": True})

    assert len(faults) == len(said)
    assert all(str(fault).startswith(start) for fault, start in zip(faults, said, strict=True))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"constants": {"vat": 19}, "title": "{{ constants.vat }}"}, ""),
        ({"title": "{{ constants.vat }}"}, "title: there is no constant vat; the flow has none"),
        (
            {"constants": {"a": 1, "b": 2}, "title": "{{ constants.vat }}"},
            "title: there is no constant vat; there are a, b",
        ),
        ({"constants": {"a b": 1}}, "constants.a b: is not a name of letters, digits and _"),
        ({"constants": {"a": "{{ 1 }}"}}, "constants.a: is a plain value"),
        ({"constants": {f"c{n}": n for n in range(101)}}, "constants: a flow may have 100 constants"),
        ({"settings": {"ordered": True, "order_key": "{{ vars.a }}"}}, "settings.order_key: is made of the event"),
    ],
)
def test_constants_are_checked_with_the_document(keys: JSON, said: str) -> None:
    made = document(**keys)

    if not said:
        assert parse_document(made).constants == keys["constants"]
        return
    with pytest.raises(DocumentFaults) as caught:
        parse_document(made)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{{ vars.a }}", {"a"}),
        ("{{ vars['a'] }} {{ vars . b | upper }}", {"a", "b"}),
        ("{% for x in vars.list %}{{ x }}{% endfor %}", {"list"}),
        ("{{ vars }}", {""}),
        ("{{ vars[event.body.x] }}", {""}),
        ("{{ event.vars.a }} {{ myvars.b }}", set()),
        ("vars.a", set()),
        # It compiles nothing: what stands beside a template, or in one that doesn't compile, counts as well.
        ("{{ event.a }} vars.a", {"a"}),
        ("{{ vars.a ", {"a"}),
    ],
)
def test_what_a_page_takes_for_a_use_compiles_nothing(source: str, names: set[str]) -> None:
    step = action(inputs={"text": source})

    assert {use.name for use in find_mentions(document(step), "vars")} == names
    assert {use.name for use in find_references(document(step), "vars")} <= names
