"""Tests the messages and positions of faults in templates."""

from __future__ import annotations

import re

import pytest

from relay.errors import FilterFault, TemplateError, TemplateFault, TemplateLimit
from relay.templating import check, compile_leaf
from relay.templating.filters import FILTERS


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("{{ a }", 1, 6, "unexpected '}'"),
        ("ab\n {{ a } b", 2, 7, "unexpected '}'"),
        ("a\r\n{{ a } b", 2, 6, "unexpected '}'"),
        ("{{ 1 + }}", 1, 8, "unexpected '}}'"),
        ("{{ }}", 1, 4, "unexpected '}}'"),
        ("{{ a b }}", 1, 6, "expected '}}', found 'b'"),
        ("{{ 1 ? 2 }}", 1, 6, "unexpected '?'"),
        ("{{ 'abc }}", 1, 4, "a text in quotes is not closed"),
        ("{% foo %}", 1, 4, "there is no tag 'foo'"),
        ("{% for x in y %}\n", 1, 0, "the text ends, but 'for' is not closed: {% endfor %} is missing"),
        ("{% if x %}{% endfor %}", 1, 14, "unexpected tag 'endfor'"),
        ("{% include 'x' %}", 1, 4, "{% include %} is not available here"),
        ("{% import 'x' as y %}", 1, 4, "{% import %} is not available here"),
        ("{% extends 'x' %}", 1, 4, "{% extends %} is not available here"),
        ("{% block x %}{% endblock %}", 1, 4, "{% block %} is not available here"),
        ("{% autoescape true %}{% endautoescape %}", 1, 4, "{% autoescape %} is not available here"),
        ("{{ a\n| uper }}", 2, 3, "there is no filter 'uper'; did you mean upper?"),
        ("{{ a is nomber }}", 1, 9, "there is no test 'nomber'; did you mean number?"),
        ("{{ a.upper() }}", 1, 6, "values have no method upper; use the filter | upper"),
        ("{{ event.body.items() }}", 1, 15, "values have no method items; use the filter | items"),
        ("{{ a.get() }}", 1, 6, "values have no method get; use a.b | default(...)"),
        ("{{ a.mro() }}", 1, 6, "values have no method mro; filters do such work"),
        ("{{ self }}", 1, 4, "the name self is not available here"),
        ("{{ f(*a) }}", 1, 0, "* and ** are not available in calls"),
        ("{{ f(a=1, a=2) }}", 1, 0, "a call names an argument twice, or one that starts with _"),
        ("{{ 1e400 }}", 1, 0, "a number is too large"),
    ],
)
def test_a_fault_has_its_place_and_plain_words(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        compile_leaf(source)

    assert str(caught.value) == f"line {line}: {message}"
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("{{ x | round }}", 1, 8),
        ("a\r\nb {{ x | round }}", 2, 10),
        ("{{ 1 | round }}{{ x | round }}", 1, 0),
        ("{{ 1 | round }}\n{{ x | round }}", 2, 8),
        ("{{ [1,\n2] | map('upper') and x |\nround }}", 3, 1),
        ("{{ [x] | map('round') }}", 1, 14),
        ("{{ [1] | map('round') }}\n{{ 1 | round ~ [x] | map('round') | first }}", 2, 0),
        ("{% filter round %}x{% endfilter %}", 1, 11),
        ("{% macro m() %}\n{{ x | round }}{% endmacro %}\n{{ m() }}", 2, 8),
    ],
)
def test_a_filter_that_can_not_work_has_its_place(source: str, line: int, column: int) -> None:
    with pytest.raises(FilterFault) as caught:
        compile_leaf(source).render({"x": "abc"})

    assert (caught.value.line, caught.value.column, caught.value.filter) == (line, column, "round")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("abc", "the text 'abc'"),
        ("a" * 41, "a text of 41 characters"),
        (None, "null"),
        (True, "true"),
        ([1], "a list"),
        ({}, "an object"),
    ],
)
def test_a_filter_says_what_it_got(value: object, words: str) -> None:
    with pytest.raises(FilterFault, match=f"^line 1: `trim` can't be used like this on {words}; an example: "):
        compile_leaf("{{ x | trim(5, 6) }}").render({"x": value})


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("{{ a | titel }}", "; did you mean title?"),
        ("{{ a | rejectatr }}", "; did you mean rejectattr, reject or selectattr?"),
        ("{{ a | qqqq }}", ""),
        ("{{ [1] | map('rund') }}", "; did you mean round?"),
    ],
)
def test_an_unknown_filter_has_its_nearest_names(source: str, advice: str) -> None:
    with pytest.raises(TemplateError, match=r"there is no filter '\w+'" + re.escape(advice) + "$"):
        compile_leaf(source).render({"a": 1})


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("{{ x }}" * 6_000, "template size"),
        ("é" * 17_000 + "{{ x }}", "template size"),
        ("{{ [" + "1," * 6_000 + "] }}", "template size"),
        ("{% macro m() %}{% endmacro %}" * 250, "template size"),
        ("{{ " + "[" * 900 + "]" * 900 + " }}", "nesting"),
        ("{{ " + "(" * 900 + "1" + ")" * 900 + " }}", "nesting"),
        ("{{ " + "-" * 1_900 + "1 }}", "nesting"),
        ("{{ " + "1+" * 900 + "1 }}", "nesting"),
        ("{{ a" + "|upper" * 900 + " }}", "nesting"),
        ("{% for i in [1] %}" * 25 + "{% endfor %}" * 25, "nesting"),
        ("{% if 1 %}" * 500 + "{% endif %}" * 500, "nesting"),
        ("{{ " + "9" * 5_000 + " }}", "number size"),
        ("{{ " + "9" * 2_000 + " }}", "number size"),
    ],
)
def test_a_template_has_limits(source: str, limit: str) -> None:
    with pytest.raises(TemplateLimit) as caught:
        compile_leaf(source)

    assert caught.value.limit == limit


@pytest.mark.parametrize(
    "source", ["{{ '%200000000d' % 1 }}", "{{ 'a' * 10 ** 9 }}", "x{{ 'a' | center(10 ** 9) }}", "{{ 1 / 0 }}"]
)
def test_compiling_computes_nothing(source: str) -> None:
    leaf = compile_leaf(source)

    with pytest.raises(TemplateError):
        leaf.render({})


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("{{ n | money }}", 8),
        ("{{ n | money('EUR', curency='x') }}", 8),
        ("{{ n | money('EUR', currency='USD') }}", 8),
        ("{{ n | round(1, 'ceil', 2, 3) }}", 8),
        ("{{ n | upper('x') }}", 8),
        ("a\n{% if x %}{{ [n] | map('upper') | first | upper(1) }}{% endif %}", 0),
    ],
)
def test_arguments_that_a_filter_does_not_take_are_found_before_a_run(source: str, column: int) -> None:
    ((path, fault),) = check({"a": [source]})

    assert path == "a[0]"
    assert re.match(r"line \d: '\w+' doesn't take these arguments; an example: \{\{ ", str(fault))
    assert isinstance(fault, TemplateFault)
    assert fault.column in (0, column)


def test_arguments_that_filters_take() -> None:
    """Those of all examples, and of filters that take any number of them."""
    examples = [named.example for named in FILTERS.values()]
    others = [
        "{{ o | pick('a', 'b', 'c', 'd') }}",
        "{{ d | date_add(months=1, days=2) }}",
        "{{ l | where('a', 'gt', 2) }}",
    ]

    assert check([*examples, *others]) == []
