"""Trees of JSON with templates on their leaves."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import MissingName, TemplateFault, TemplateLimit
from relay.templating import Budget, check, compile_tree

CONTEXT: dict[str, Any] = {"a": {"b": 1, "quote": 'x", "admin": true, "y": "'}}


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (None, None),
        (3, 3),
        ("{{ a.b }}", 1),
        ({"t": "n {{ a.b }}", "k": "constant", "n": 1.5}, {"t": "n 1", "k": "constant", "n": 1.5}),
        ([{"x": ["{{ a.b }}", "{{ a }}"]}, True], [{"x": [1, CONTEXT["a"]]}, True]),
        ({"{{ a.b }}": "keys are literal"}, {"{{ a.b }}": "keys are literal"}),
    ],
)
def test_templates_stand_on_leaves(tree: Any, value: Any) -> None:
    assert compile_tree(tree).render(CONTEXT) == value


def test_the_order_of_keys_stays() -> None:
    tree = compile_tree({"z": "{{ a.b }}", "y": 1, "x": "{{ a.b }}"})

    assert list(tree.render(CONTEXT)) == ["z", "y", "x"]


def test_a_quote_stays_in_its_text() -> None:
    assert compile_tree({"t": "<{{ a.quote }}>"}).render(CONTEXT) == {"t": f"<{CONTEXT['a']['quote']}>"}


def test_renders_do_not_touch_each_other() -> None:
    tree = compile_tree({"l": ["{{ a.b }}", 2]})

    first = tree.render(CONTEXT)
    second = tree.render({"a": {"b": 5}})

    assert (first, second) == ({"l": [1, 2]}, {"l": [5, 2]})


def test_omit_missing_leaves_out_keys_of_lone_expressions() -> None:
    tree = compile_tree({"a": "{{ a.nope }}", "b": "{{ a.nope | upper }}", "c": {"d": "{{ no.pe }}"}, "e": "{{ a.b }}"})

    assert tree.render(CONTEXT, omit_missing=True) == {"c": {}, "e": 1}
    with pytest.raises(MissingName):
        tree.render(CONTEXT)


@pytest.mark.parametrize("tree", [{"a": "x {{ a.nope }}"}, ["{{ a.nope }}"]])
def test_omit_missing_leaves_out_nothing_else(tree: Any) -> None:
    with pytest.raises(MissingName):
        compile_tree(tree).render(CONTEXT, omit_missing=True)


def test_a_tree_knows_whether_it_is_constant() -> None:
    assert compile_tree({"a": [1, "b"]}).constant
    assert not compile_tree({"a": [1, "{{ b }}"]}).constant


def test_check_gives_every_fault_with_its_path() -> None:
    tree = {"text": "{{ a }", "blocks": [{"type": "{{ a | uper }}"}, "fine"], "deep": {"er": "{% if %}"}}

    faults = check(tree)

    assert [path for path, _ in faults] == ["text", "blocks[0].type", "deep.er"]
    assert str(faults[0][1]) == "line 1: unexpected '}'"
    assert str(faults[1][1]) == "line 1: there is no filter 'uper'; did you mean upper?"


def test_check_of_a_text_alone_has_no_path() -> None:
    assert [path for path, _ in check("{{ }}")] == [""]
    assert check("{{ a }}") == []


def test_compile_raises_the_first_fault() -> None:
    with pytest.raises(TemplateFault):
        compile_tree({"a": "{{ }}"})


def test_a_tree_has_a_depth() -> None:
    tree: Any = "x"
    for _ in range(200):
        tree = [tree]

    with pytest.raises(TemplateLimit):
        compile_tree(tree)
    assert "nested" in str(check(tree)[0][1])


def test_a_step_shares_one_budget() -> None:
    tree = compile_tree({"t": "{{ 'x' * 300000 }}"})

    tree.render({})
    with Budget(), pytest.raises(TemplateLimit, match="4 MiB"):
        for _ in range(16):
            tree.render({})


def test_leaves_of_a_tree_share_one_budget() -> None:
    tree = compile_tree(["{{ a }}"] * 16)

    with pytest.raises(TemplateLimit) as caught:
        tree.render({"a": "x" * 300_000})

    assert caught.value.limit == "output size"
