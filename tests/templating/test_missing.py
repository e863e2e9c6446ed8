"""Tests where missing names are allowed, and their messages."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import MissingName, TemplateError
from relay.templating import compile_leaf

CONTEXT: dict[str, Any] = {
    "event": {"body": {"customer": {"name": "Ann"}, "note": None, "n": 1, "Total": 3, "rows": [1]}},
    "vars": {"url_b": 1, "url_c": 2},
}


@pytest.mark.parametrize(
    ("source", "path", "hint"),
    [
        ("{{ event.body.custmer.name }}", "event.body.custmer.name", "did you mean event.body.customer?"),
        ("a {{ event.body.custmer.name }}", "event.body.custmer.name", "did you mean event.body.customer?"),
        (
            "{{ event.body.customer.nmae | upper }}",
            "event.body.customer.nmae",
            "did you mean event.body.customer.name?",
        ),
        ("{{ event.body.total }}", "event.body.total", "did you mean event.body.Total?"),
        ("{{ event.body.customers2 }}", "event.body.customers2", "did you mean event.body.customer?"),
        ("{{ vars.url_a }}", "vars.url_a", "did you mean vars.url_c or vars.url_b?"),
        ("{{ evnt.body }}", "evnt.body", "did you mean event?"),
        ("a {{ evnt.body }}", "evnt.body", "did you mean event?"),
        ("{{ event.body.note.text }}", "event.body.note.text", "event.body.note is null"),
        ("{{ event.body.n.upper }}", "event.body.n.upper", "event.body.n is a number"),
        ("{{ event.body.rows[5] }}", "event.body.rows[5]", "event.body.rows is a list"),
        ("{{ event.headers['x-id'] }}", "event.headers['x-id']", ""),
        ("{{ zzzzz }}", "zzzzz", ""),
        ("{{ now }}", "now", "now is a function: now()"),
        ("{% set i = 0 %}{{ event.body.rows[i].a }}", "event.body.rows[...].a", "event.body.rows[...] is a number"),
        ("{% for r in [{'ab': 1}] %}{{ r.abc }}{% endfor %}", "r.abc", "did you mean r.ab?"),
        ("{{ [{'a': 1}] | map(attribute='b') }}", "(element).b", ""),
    ],
)
def test_a_missing_name_says_its_path_and_what_is_near(source: str, path: str, hint: str) -> None:
    with pytest.raises(MissingName) as caught:
        compile_leaf(source).render(CONTEXT)

    assert (caught.value.path, caught.value.hint) == (path, hint)


@pytest.mark.parametrize(
    "use",
    ["{{ x.y }}", "{{ x ~ 'a' }}", "{{ x + 1 }}", "{{ -x }}", "{{ x == 1 }}", "{{ 1 == x }}", "{{ x < 1 }}",
    "{{ x in [1] }}",
     "{{ 'a' in x }}", "{{ x | upper }}", "{{ x is none }}", "{{ x is number }}", "{{ not x }}", "{{ x or 1 }}",
     "{{ x[1:] }}",
     "{{ x() }}", "{{ [x] }}", "{{ {'a': x} }}", "{{ {}[x] }}", "{{ [1] | join(x) }}", "{% if x %}{% endif %}",
     "{% for i in x %}{% endfor %}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}", "{% set y = x %}{{ y }}",
     "{% for i in [1] %}{{ loop.previtem }}{% endfor %}", "{{ [] | first }}", "{{ range(x) }}"],
)  # fmt: skip
def test_any_use_of_a_missing_name_fails(use: str) -> None:
    with pytest.raises(TemplateError):
        compile_leaf(use).render({})


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ event.body.nope | default('x') }}", "x"),
        ("{{ event.body.a.b.c | default('x') }}", "x"),
        ("{{ event.body.note.b.c | default('x') }}", "x"),
        ("{{ event.body.rows[9].a | d('x') }}", "x"),
        ("{{ nope.a['b'] | default }}", ""),
        ("{{ event.body.note | default('x') }}", None),
        ("{{ event.body.note | default('x', true) }}", "x"),
        ("{{ event.body.a.b is defined }}", False),
        ("{{ event.body.a.b is undefined }}", True),
        ("{{ event.body.n is defined }}", True),
        ("{{ [] | first | default('none') }}", "none"),
        ("{{ event.body.a | default(event.body.b) | default(event.body.n) }}", 1),
    ],
)
def test_default_and_defined_take_missing_names(source: str, value: Any) -> None:
    assert compile_leaf(source).render(CONTEXT) == value


@pytest.mark.parametrize(
    "source", ["{{ a[key] }}", "{{ a[key].b }}", "{{ a.b[key] }}", "{{ nope[key] }}!", "{{ a[[key]] }}"]
)
def test_a_computed_key_is_not_shown(source: str) -> None:
    with pytest.raises(MissingName) as caught:
        compile_leaf(source).render({"a": {}, "key": "secret"})

    assert "secret" not in str(caught.value)


def test_a_long_constant_key_is_cut_in_the_message() -> None:
    with pytest.raises(MissingName) as caught:
        compile_leaf("{{ a['" + "k" * 10_000 + "'] }}").render({"a": {}})

    assert len(str(caught.value)) < 500
