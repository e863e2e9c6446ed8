"""Random templates: whatever they are, they end in a value of JSON or a Relay error, within the limits."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import RelayError, TemplateError
from relay.templating import FILTERS, TESTS, check, compile_leaf
from relay.templating.fuel import OUTPUT

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


@settings(max_examples=300, deadline=None)
@given(sources("{{ @E }}"))
def test_any_expression_ends_well(source: str) -> None:
    checked(source)


@settings(max_examples=300, deadline=None)
@given(sources("@S@S"))
def test_any_template_ends_well(source: str) -> None:
    checked(source)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20))
def test_any_text_compiles_or_has_a_fault(parts: list[str]) -> None:
    source = "".join(parts)

    for _, error in check(source):
        assert isinstance(error, TemplateError)
