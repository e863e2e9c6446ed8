"""Tests that random templates end in a JSON value or a Relay error, within the limits."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import RelayError, TemplateError
from relay.templating import FILTERS, TESTS, Budget, check, compile_leaf
from relay.templating.fuel import OUTPUT
from tests.support.examples import examples
from tests.support.template_costs import watched

CONTEXT: dict[str, Any] = {
    "a": {"b": [1, "two", None, {"c": 2.5}], "t": "some text <b>x</b>"},
    "n": 7,
    "s": "words and words",
    "l": [3, 1, 2],
    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x"}],
}
GRAMMAR = {
    "E": [
        *["a", "a.b", "a.b[3].c", "a.t", "n", "s", "l", "rows", "zzz", "a.zz.y", "none", "true", "0", "-1", "2.5",
        "10000", "'x'", "''", "[]", "{}", "'%s'", "loop", "range(5)", "now()"],
        *["dict(a=1)", "namespace(q=1)", "i", "m", "999999999999999999999999999999"],
        "(@E @B @E)", "@E | @F", "(@E | @F(@E))", "(@E | @F(@E, @E))", "(@E | map('@F'))", "(@E is @T)", "[@E, @E]",
        "{'k': @E, 'j': @E}", "(@E)[@E]", "(@E)[@E:@E]", "(@E if @E else @E)", "(-@E)", "(not @E)", "m(@E)", "(@E).a",
    ],
    "B": ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "and", "or", "in", "not in"],
    "F": sorted(FILTERS),
    "T": sorted(name for name in TESTS if name.isidentifier()),
    "S": [
        "{{ @E }}", "text", "\n", "@S@S", "@S@S@S",
        "{% for i in @E %}@S{% endfor %}", "{% for i in @E recursive %}@S{{ loop(l) }}{% endfor %}",
        "{% if @E %}@S{% else %}@S{% endif %}", "{% set i = @E %}@S", "{% set i %}@S{% endset %}@S",
        "{% macro m(i) %}@S{% endmacro %}@S", "{% filter @F %}@S{% endfilter %}", "{% with i = @E %}@S{% endwith %}",
    ],
}  # fmt: skip


PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "for",
    "in",
    "a",
    ".",
    "|",
    "(",
    ")",
    "[",
    "]",
    "'",
    "\\",
    "1",
    "-",
    "if",
    "endif",
    "set",
    "=",
    "é",
    "upper",
    "raw",
    " ",
    "\n",
    "\ud800",
]


@st.composite
def sources(draw: st.DrawFn, start: str) -> str:
    """A text grown from `start`, by replacing one symbol of the grammar after the other."""
    source = start
    for _ in range(12):
        source = re.sub("@([EBFTS])", lambda symbol: draw(st.sampled_from(GRAMMAR[symbol[1]])), source, count=1)
    return re.sub(
        "@(.)", lambda symbol: {"E": "n", "S": "", "F": "string", "B": "==", "T": "defined"}[symbol[1]], source
    )


def checked(source: str) -> None:
    try:
        value = compile_leaf(source).render(CONTEXT)
    except RelayError as error:
        assert isinstance(error, TemplateError)
        assert not any(word in str(error) for word in ("<class", "object at 0x", "<function", "Namespace", "NoneType"))
        return
    assert len(json.dumps(value, allow_nan=False, ensure_ascii=False)) <= 4 * OUTPUT


@examples(300)
@given(sources("{{ @E }}"))
def test_any_expression_ends_well(source: str) -> None:
    checked(source)


@examples(300)
@given(sources("@S@S"))
def test_any_template_ends_well(source: str) -> None:
    checked(source)


@examples(200)
@given(st.lists(st.sampled_from(PIECES), max_size=20))
def test_any_text_compiles_or_has_a_fault(parts: list[str]) -> None:
    source = "".join(parts)

    for _, error in check(source):
        assert isinstance(error, TemplateError)


HOSTILE_KEYS = [
    "a",
    "b",
    "k",
    "items",
    "keys",
    "__class__",
    "__globals__",
    "_",
    "loop",
    "self",
    "0",
    "é",
    "{{ n }}",
    "",
]
payloads = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.sampled_from("ab <&\n{}%'\"\\\ud800\U0001f600"), max_size=12)
    | st.sampled_from(["{{ n }}", "{% for", "%s%d", "9" * 300, "a" * 3_000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(HOSTILE_KEYS), inner, max_size=4),
    max_leaves=12,
)


class Watched(dict[str, Any]):
    """A context that remembers the names it was asked for."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


@examples(300)
@given(sources("@S@S"), payloads, payloads)
def test_any_payload_ends_well_and_no_other_name_is_read(source: str, first: Any, second: Any) -> None:
    context = Watched(
        {"a": first, "l": [first, second], "rows": [second], "s": "text", "n": 7, "hidden": "secret-4711"}
    )
    try:
        leaf = compile_leaf(source)
        with Budget() as budget:
            value = watched(lambda: leaf.render(context))
    except TemplateError:
        return

    assert context.asked <= set(re.findall(r"\w+", source))
    assert budget.depth == 0
    assert isinstance(value, TemplateError) or "secret-4711" not in json.dumps(value, allow_nan=False)


@examples(200)
@given(payloads)
def test_what_is_rendered_is_never_rendered_again(value: Any) -> None:
    try:
        once = compile_leaf("{{ a }}").render({"a": value, "n": "rendered twice"})
        text = compile_leaf("<{{ a }}>").render({"a": value, "n": "rendered twice"})
    except TemplateError:
        return

    assert once == value
    assert "rendered twice" not in text


NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), NUMBERS, st.text(st.characters(codec="utf-8")), st.sampled_from([1e16, 1e-5, -0.0])
    ),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(st.characters(codec="utf-8")), inside),
)


@examples(300)
@given(VALUES)
def test_json_of_the_context_is_written_as_any_other(value: Any) -> None:
    written = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    context = {"v": {"w": value}}

    for source in ("{{ v.w | tojson }}", "{% set x = v.w %}{{ x | tojson }}", "{{ v | tojson }}"):
        expected = f'{{"w": {written}}}' if source == "{{ v | tojson }}" else written
        assert compile_leaf(source).render(context) == expected
        assert compile_leaf(f"x{source}").render(context) == f"x{expected}"
    if isinstance(value, dict | list):
        assert compile_leaf("{{ v.w }}, {{ v.w }}").render(context) == f"{written}, {written}"


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{% for v in rows[:1] %}{{ v | tojson }}{% endfor %}", '{"k": "x", "v": 1}'),
        ("{% macro m(v) %}{{ v | tojson }}{{ varargs | tojson }}{% endmacro %}{{ m((1, 2), 3) }}", "[1, 2][3]"),
        ("{% for v in rows[:1] | groupby('k') %}{{ v }}{% endfor %}", '{"grouper": "x", "list": [{"k": "x", "v": 1}]}'),
        ("{% for v in [[1], [2]] %}{{ loop.previtem | default(0) | tojson }}{% endfor %}", "0[1]"),
        ("{% set v = range(3) %}{{ v }}{{ v | tojson }}", "[0, 1, 2][0, 1, 2]"),
        ("{% with v = {1: none} %}{{ v | tojson }}{{ v }}{% endwith %}", '{"1": null}{"1": null}'),
        ("{% set ns = namespace(v={2: 3}) %}{{ ns.v }}{{ ns.v | tojson }}", '{"2": 3}{"2": 3}'),
    ],
)
def test_values_that_a_template_makes_are_written_as_json_too(source: str, written: str) -> None:
    context = {**CONTEXT, "v": [0], "ns": {"v": [0]}}

    assert compile_leaf(source).render(context) == written
