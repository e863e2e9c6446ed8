"""Tests the sandbox: nothing of Python is reachable, and hostile templates end in a Relay error or harmless text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relay.errors import MissingName, RelayError, TemplateError, TemplateLimit
from relay.templating import compile_leaf

HOSTILE = Path(__file__).parents[2] / "../shared/facts/hostile_inputs.json"
CONTEXT: dict[str, Any] = {
    "payload": {"k": "__class__", "x": "</script>", "field": "{{ 7*7 }}"},
    "x": {"a": 1},
    "t": "text",
    "event": {"body": {"n": 1}},
}
INTERNALS = (
    "<class",
    "<function",
    "<built-in",
    "object at 0x",
    "__globals__':",
    "site-packages",
    "namedtuple",
    "Undefined",
)


def hostile_templates() -> list[Any]:
    if not HOSTILE.exists():
        return [pytest.param("", marks=pytest.mark.skip(reason="needs shared/facts beside the repository"))]
    cases = json.loads(HOSTILE.read_text())["groups"]["templates_jinja"]["cases"]
    return [pytest.param(case["input"], id=case["name"]) for case in cases]


def outcome(source: str) -> str:
    """The result as JSON text, or the name of the Relay error; anything else raised fails the test."""
    try:
        return json.dumps(compile_leaf(source).render(CONTEXT), allow_nan=False)
    except RelayError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("around", ["", "> "])
@pytest.mark.parametrize("source", hostile_templates())
def test_a_hostile_template_is_harmless(source: str, around: str) -> None:
    found = outcome(around + source)

    assert len(found) < 2_000
    assert not any(word in found for word in INTERNALS)


@pytest.mark.parametrize(
    "source",
    [
        "{{ t.__class__ }}", "{{ t['__class__'] }}", "{{ t['_' ~ '_class__'] }}", "{{ x.__class__.__mro__ }}",
        "{{ x.items }}",
        "{{ x.get }}", "{{ t.upper }}", "{{ (1).real }}", "{{ [].append }}", "{{ now.__globals__ }}",
        "{{ range.start }}",
        "{{ dict.fromkeys }}", "{{ dict['a'] }}", "{{ namespace.__init__ }}", "{{ cycler }}", "{{ joiner }}",
        "{{ lipsum }}",
        "{% set n = namespace(a=1) %}{{ n.__class__ }}", "{% set n = namespace(a=1) %}{{ n['_Namespace__attrs'] }}",
        "{% macro m() %}{% endmacro %}{{ m.name }}", "{% macro m() %}{% endmacro %}{{ m['_func'] }}",
        "{% for i in [1] %}{{ loop._iterable }}{% endfor %}",
        "{% for i in [1] %}{{ loop['_undefined'] }}{% endfor %}",
        "{% for i in [1] %}{{ loop.cycle.__self__ }}{% endfor %}", "{{ [t] | map(attribute='__class__') }}",
        "{{ [t] | map(attribute='upper') }}", "{{ [t] | groupby('__class__') }}",
        "{{ [t] | sort(attribute='__class__') }}",
        "{{ [t] | sum(attribute='__class__') }}", "{{ [t] | join(attribute='__class__') }}", "{{ request }}",
        "{{ context }}",
        "{{ environment }}", "{{ caller }}", "{{ _ }}", "{{ true.real }}", "{{ none.x }}",
    ],
)  # fmt: skip
def test_attributes_of_python_reach_nothing(source: str) -> None:
    with pytest.raises(MissingName):
        compile_leaf(source).render(CONTEXT)


@pytest.mark.parametrize(
    "source",
    [
        "{{ range }}!", "{{ [range] }}", "{% for i in [1] %}{{ loop }}{% endfor %}", "{{ namespace() }}",
        "{% macro m() %}{% endmacro %}{{ m }}", "{% macro m() %}{% endmacro %}{{ [m] | tojson }}",
        "{% for i in [1] %}{{ loop.cycle }}{% endfor %}", "{% set n = namespace() %}{% set n.n = [n] %}{{ n.n }}",
    ],
)  # fmt: skip
def test_what_is_not_data_is_never_put_out(source: str) -> None:
    with pytest.raises(TemplateError, match="can't be put out"):
        compile_leaf(source).render(CONTEXT)


class Model:
    """Something that should never be in a context."""

    secret = "hidden"

    def delete(self) -> str:
        return "deleted"


@pytest.mark.parametrize(
    "source", ["{{ m }}", "{{ m.secret }}", "{{ m.delete() }}", "{{ m['delete'] }}", "{{ [m] }}", "a{{ m }}"]
)
def test_an_object_in_the_context_gives_nothing_away(source: str) -> None:
    with pytest.raises(TemplateError):
        if compile_leaf(source + " ").render({"m": Model()}):
            pytest.fail("rendered")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("\ud800{{ '\ud800' }}", "\ud800\ud800"),
        ("{{ t ~ '\ud800' | tojson }}", 'text"\ud800"'),
        ("{{ '\ud800' | urlencode }}", "%3F"),
        ("{{ payload.field }}", "{{ 7*7 }}"),
        ("{{ payload.field }}!", "{{ 7*7 }}!"),
        ("{{ '<b>' }}!", "<b>!"),
    ],
)
def test_odd_text_is_harmless(source: str, text: str) -> None:
    assert compile_leaf(source).render(CONTEXT) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ big }}!",
        "{{ big | string }}",
        "{{ [big] | tojson }}",
        "{{ big + 1 }}",
        "{{ big * 1.5 }}",
        "{{ '%d' % big }}",
    ],
)
def test_a_huge_integer_of_a_payload_is_a_template_error(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_leaf(source).render({"big": 10**5_000})


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
@pytest.mark.parametrize(
    "source", ["{{ n }}!", "{{ [n] }}", "{{ n | tojson }}", "{{ n + 1 }}", "{{ n | round }}", "{{ n | abs }}"]
)
def test_no_number_out_of_json_gets_out(source: str, number: float) -> None:
    with pytest.raises(TemplateError):
        compile_leaf(source).render({"n": number})


def test_values_nested_too_deep_are_a_limit() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    for source in ("{{ d | tojson }}", "{{ d }}!", "{{ [d] }}", "{{ [d] | unique }}"):
        with pytest.raises(TemplateLimit) as caught:
            compile_leaf(source).render({"d": deep})
        assert caught.value.limit == "nesting"
