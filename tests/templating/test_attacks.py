"""Tests hostile templates: each stays within time and memory, and ends with a limit or a harmless value."""

from __future__ import annotations

import pytest

from relay.errors import RelayError, TemplateError
from relay.templating import Budget, Leaf, compile_leaf, names
from relay.templating.patterns import matches_in
from tests.support.template_attacks import COMPILED, CONTEXT, RENDERED
from tests.support.template_costs import watched


@pytest.mark.exhaustive
@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in COMPILED.items()])
def test_an_attack_on_compiling_ends_soon(source: str) -> None:
    compile_leaf.cache_clear()

    outcome = watched(lambda: compile_leaf(source))

    assert isinstance(outcome, (Leaf, TemplateError))


@pytest.mark.exhaustive
@pytest.mark.parametrize("source", [pytest.param(source, id=name[:60]) for name, source in RENDERED.items()])
def test_an_attack_by_rendering_ends_soon(source: str) -> None:
    leaf = compile_leaf("{% set r %}" + source + "{% endset %}")

    outcome = watched(lambda: leaf.render(CONTEXT))

    assert outcome == "" or isinstance(outcome, RelayError)


def test_the_names_of_a_template_cost_no_second_reading() -> None:
    source = "{% for i in event.body.items %}{{ i.name }}{{ vars.x }}{% endfor %}{{ range(3) }}"
    compile_leaf(source)

    before = compile_leaf.cache_info().misses

    assert names(source) == {"event.body.items", "vars.x"}
    assert compile_leaf.cache_info().misses == before


@pytest.mark.parametrize(
    "pattern",
    [
        "(a?){500}a{500}b", "((a{0,10}){0,10}){0,10}b", "[ab]*a[ab]{900}c", "a.{0,1000}b", "(.?){300}c", "(a*)*b",
        r"(\pL*){100}b", "(x+x+)+y", "((((((((", "a{1000}{1000}", "(?=a)", "\ud800", "a" * 1_001,
    ],
)  # fmt: skip
def test_a_pattern_is_linear_and_charged(pattern: str) -> None:
    text = "a" * 1_000_000

    with Budget():
        outcome = watched(lambda: matches_in(pattern, text))

    assert outcome is False or isinstance(outcome, TemplateError)
