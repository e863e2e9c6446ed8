"""Tests the values of compiled strings: types, text, paths."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from relay.errors import MissingName, TemplateError
from relay.templating import Missing, compile_leaf, names
from relay.templating.leaves import ExpressionLeaf, Leaf, PathLeaf, TextLeaf

CONTEXT: dict[str, Any] = {
    "event": {
        "body": {
            "id": 7,
            "total": 12.5,
            "paid": True,
            "note": None,
            "items": [{"title": "Tea", "quantity": 2}, {"title": "Pot", "quantity": 1}],
            "get": "a field called get",
            "__proto__": "odd",
            "constructor": "odder",
            "customer": {"name": "Ann", "tags": ["vip", "eu"]},
            "code": "{{ 7 * 7 }}",
            "0": "zero",
        },
        "headers": {"x-y": "header"},
    },
    "item": 3,
    "loop": {"index": 5},
}


def rendered(source: str) -> Any:
    return compile_leaf(source).render(CONTEXT)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ event.body.id }}", 7),
        ("{{ event.body.total }}", 12.5),
        ("{{ event.body.paid }}", True),
        ("{{ event.body.note }}", None),
        ("{{ event.body.customer.tags }}", ["vip", "eu"]),
        ("{{ event.body.items }}", CONTEXT["event"]["body"]["items"]),
        ("{{ event.body.items[0].title }}", "Tea"),
        ("{{ event.body.items[-1].title }}", "Pot"),
        ("{{ event.body.get }}", "a field called get"),
        ("{{ event.body.__proto__ }}", "odd"),
        ("{{ event.body.constructor }}", "odder"),
        ("{{ event.headers['x-y'] }}", "header"),
        ("{{ event.body[0] }}", "zero"),
        ("{{ item }}", 3),
        ("{{ loop.index }}", 5),
        ("{# why #}{{ item }}", 3),
        ("{{ item + 1 }}", 4),
        ("{{ [item, (1, 2)] }}", [3, [1, 2]]),
        ("{{ {'a': item, 1: none} }}", {"a": 3, "1": None}),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ item > 2 }}", True),
        ("{{ 'yes' if item > 5 }}", None),
        ("{{ event.body.items | map(attribute='title') }}", ["Tea", "Pot"]),
    ],
)
def test_a_lone_expression_keeps_its_type(source: str, value: Any) -> None:
    assert rendered(source) == value
    assert type(rendered(source)) is type(value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("a } b { c", "a } b { c"),
        ("#{{ event.body.id }}", "#7"),
        (" {{ event.body.id }}", " 7"),
        ("{{ event.body.id }}\n", "7\n"),
        ("{{ event.body.id }}{{ item }}", "73"),
        ("total {{ event.body.total }}", "total 12.5"),
        ("paid: {{ event.body.paid }}, note: {{ event.body.note }}.", "paid: true, note: ."),
        ("{{ event.body.customer }}!", '{"name": "Ann", "tags": ["vip", "eu"]}!'),
        ("{% for i in event.body.items %}{{ i.quantity }} {{ i.title }}, {% endfor %}", "2 Tea, 1 Pot, "),
        ("{% for i in event.body.items %}{{ loop.index }}/{{ loop.length }} {% endfor %}", "1/2 2/2 "),
        ("{% for k, v in {'a': 1} | items %}{{ k }}={{ v }}{% endfor %}", "a=1"),
        ("{% for i in [1, 2, 3] if i != 2 %}{{ loop.cycle('a', 'b') }}{{ i }}{% else %}none{% endfor %}", "a1b3"),
        ("{% for i in [1, [2, [3]]] recursive %}{{ i if i is number else loop(i) }}{% endfor %}", "123"),
        ("{% set n = namespace(t=0) %}{% for i in [1, 2] %}{% set n.t = n.t + i %}{% endfor %}{{ n.t }}", "3"),
        ("{% set x %}b{{ item }}{% endset %}{{ x | upper }}", "B3"),
        ("{% macro m(x, y=2) %}<{{ x }}{{ y }}>{% endmacro %}{{ m(1) }}{{ m(1, y=3) }}", "<12><13>"),
        ("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in{% endcall %}", "[in]"),
        ("{% filter upper %}a{{ item }}{% endfilter %}", "A3"),
        ("{% with a = 1 %}{{ a }}{% endwith %}", "1"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{% for t in [1] %}{% set o = loop %}{% for u in [1,2] %}{{ o.index }}{{ loop.last }} {% endfor %}{%endfor%}",
         "1false 1true "),
        ("{% for g, found in event.body.items | groupby('title') %}{{ g }}{{ found | length }}{% endfor %}",
        "Pot1Tea1"),
        ("{% for g in event.body.items | groupby('title') %}{{ g.grouper }}{{ g.list[0].quantity }}{% endfor %}",
        "Pot1Tea2"),
        ("{{ event.body.customer.tags[:1] }}", ["vip"]),
    ],
)  # fmt: skip
def test_anything_else_is_text(source: str, text: Any) -> None:
    assert rendered(source) == text


def test_what_a_value_holds_is_never_rendered() -> None:
    assert rendered("{{ event.body.code }}") == "{{ 7 * 7 }}"
    assert rendered("code: {{ event.body.code }}") == "code: {{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("plain", Leaf),
        ("{{ event.body.id }}", PathLeaf),
        ("{{ event.headers['x-y'] }}", PathLeaf),
        ("{{ event.body.id | string }}", ExpressionLeaf),
        ("#{{ event.body.id }}", TextLeaf),
    ],
)
def test_a_path_needs_no_jinja(source: str, kind: type[Leaf]) -> None:
    assert type(compile_leaf(source)) is kind


def test_find_gives_missing_instead_of_raising() -> None:
    leaf = compile_leaf("{{ event.body.nope }}")

    assert isinstance(leaf.find(CONTEXT), Missing)
    with pytest.raises(MissingName):
        leaf.render(CONTEXT)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("plain", set()),
        ("{{ event.body.id }} {{ vars.x | upper }}", {"event.body.id", "vars.x"}),
        ("{{ event.headers['x-y'] }}{{ event.body.items[0].a }}", {"event.headers['x-y']", "event.body.items[0].a"}),
        ("{% for i in vars.x %}{{ i.y }}{{ loop.index }}{{ item.z }}{% endfor %}", {"vars.x", "item.z"}),
        ("{% set a = b.c %}{{ a.d }}{{ now() }}", {"b.c"}),
        ("{{ a[b.c].d }}", {"a", "b.c"}),
        ("{% macro m(q) %}{{ q.r }}{{ inputs.text }}{% endmacro %}{{ m(inputs) }}", {"inputs.text", "inputs"}),
    ],
)
def test_names_are_the_paths_taken_from_the_context(source: str, found: set[str]) -> None:
    assert names(source) == found


def test_threads_share_a_leaf() -> None:
    leaf = compile_leaf("{% for i in range(n) %}{{ i }},{% endfor %}")

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda n: leaf.render({"n": n}), range(50)))

    assert texts == ["".join(f"{i}," for i in range(n)) for n in range(50)]


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 + 'a' }}",
        "{{ 'a' < 1 }}",
        "{{ -'a' }}",
        "{% for a, b in [1] %}{% endfor %}",
        "{{ 3 / 0 }}",
        "{{ {[]: 1} }}",
    ],
)
def test_an_error_is_a_sentence_without_python(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(source)

    assert not any(word in str(caught.value) for word in ("'int'", "'str'", "Traceback", "unsupported", "unhashable"))
