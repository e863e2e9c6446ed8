"""Tests that everything without a natural end stops at a limit."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import time_machine

from relay.errors import TemplateLimit
from relay.templating import Budget, compile_leaf
from relay.templating.fuel import ACTIVE, weigh

CONTEXT: dict[str, Any] = {
    "t": "a" * 1_000_000,
    "l": list(range(100_000)),
    "words": [f"k{n}" for n in range(50_000)],
    "short": "a" * 2_500,
    "needle": "a" * 1_248 + "b" + "a",
    "rows": [{"a": n, "b": {"c": [n] * 3}} for n in range(10_000)],
    "long": [10**4000] * 500,
    "colliding": [n * (2**61 - 1) for n in range(100_000)],
}
DOUBLING = (
    "{%% set n = namespace(v=%s) %%}{%% for i in range(100) %%}{%% set n.v = %s %%}{%% endfor %%}{{ n.v | length }}"
)


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "work"),
        ("{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}", "work"),
        ("{% for a in l %}{% if t == t ~ '' %}{% endif %}{% endfor %}", "work"),
        ("{% for a in l %}{{ 'x' in t }}{% endfor %}", "work"),
        ("{% for a in l %}{{ a in l }}{% endfor %}", "work"),
        ("{% for a in l %}{{ needle in short }}{% endfor %}", "work"),
        ("{% for a in l %}{{ loop.changed(l) }}{% endfor %}", "work"),
        ("{% for a in l %}{{ l[1:] | length }}{% endfor %}", "work"),
        ("{% for a in l %}{{ t | upper | length }}{% endfor %}", "work"),
        ("{% for a in range(1000) %}{{ words | sort | length }}{% endfor %}", "work"),
        ("{% for a in range(1000) %}{{ words | unique | length }}{% endfor %}", "work"),
        ("{% for a in range(1000) %}{{ rows | tojson | length }}{% endfor %}", "work"),
        ("{% for a in range(1000) %}{{ rows | groupby('a') | length }}{% endfor %}", "work"),
        ("{{ colliding | unique | length }}", "work"),
        ("{{ l | select('in', l) | length }}", "work"),
        ("{{ l | map('default', l, true) | length }}", "work"),
        ("{{ [1] | batch(10000, l) | length }}", "work"),
        ("{{ l | batch(1) | length }}", "work"),
        ("{{ t | list | length }}", "work"),
        ("{{ t | split('a') | length }}", "work"),
        ("{{ t | urlencode | length }}", "work"),
        ("{{ t | wordwrap(1) | length }}", "work"),
        ("{{ long | string | length }}", "work"),
        ("{% for n in long %}{% set y = n ~ n %}{% endfor %}", "work"),
        ("{{ rows | tojson(indent=16) | length }}", "work"),
        ("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(30) }}", "work"),
        ("{% macro m() %}{{ m(varargs, varargs) }}{{ varargs }}{% endmacro %}{{ m(1) }}", "work"),
        ("{% for a in [1, 2] recursive %}{{ loop([1, 2]) if loop.depth < 30 }}{% endfor %}", "work"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "depth"),
        ("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", "depth"),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "depth"),
        (DOUBLING % ("[1]", "n.v + n.v"), "work"),
        (DOUBLING % ("[1]", "[n.v, n.v]"), "work"),
        (DOUBLING % ("(1,)", "(n.v, n.v)"), "work"),
        (DOUBLING % ("{}", "{'a': n.v, 'b': n.v}"), "work"),
        (DOUBLING % ("{}", "dict(a=n.v, b=n.v)"), "work"),
        (DOUBLING % ("'aa'", "n.v ~ n.v"), "work"),
        ("{{ (t ~ t ~ t) | length }}", "text size"),
        (DOUBLING % ("'aa'", "n.v + n.v"), "text size"),
        (DOUBLING % ("'aa'", "n.v | replace('a', 'aa')"), "work"),
        (DOUBLING % ("'aa'", "'%s%s' % (n.v, n.v)"), "work"),
        (DOUBLING % ("'aa'", "[n.v, n.v] | join"), "work"),
        ("{{ ('\n' * 1000) | indent('b' * 10000) }}", "text size"),
        ("{{ words[:5] | join(t) }}", "text size"),
        ("{{ t }}" * 5, "output size"),
        ("{{ [t, t, t, t, t] }}", "output size"),
        ("{% for a in range(5) %}{{ t }}{% endfor %}", "output size"),
        ("{% set s %}{% for a in range(1000) %}" + "x" * 3_000 + "{% endfor %}{% endset %}", "text size"),
    ],
)
def test_a_runaway_template_stops(source: str, limit: str) -> None:
    with pytest.raises(TemplateLimit) as caught:
        compile_leaf(source).render(CONTEXT)

    # On a busy machine the clock can be first.
    assert caught.value.limit in (limit, "time")


@pytest.mark.parametrize(
    "source",
    [
        "{% for r in rows[:2000] %}- {{ r.a }} of {{ r.b.c[0] }}, {{ r.a * 2 }}\n{% endfor %}",
        "{{ rows[:5000] | sort(attribute='a', reverse=true) | map(attribute='a') | list | length }}",
        "{{ rows | selectattr('a', 'gt', 5000) | sum(attribute='a') }}",
        "{{ words | join(', ') | length }}",
    ],
)
def test_honest_work_fits(source: str) -> None:
    assert compile_leaf(source).render(CONTEXT)


def test_a_budget_is_the_threads_own() -> None:
    seen: list[Any] = []

    with Budget():
        thread = threading.Thread(target=lambda: seen.append(ACTIVE.budget))
        thread.start()
        thread.join()

    assert seen == [None]
    assert ACTIVE.budget is None


def test_now_is_constant_within_a_step() -> None:
    with time_machine.travel(0, tick=False) as clock:
        with Budget():
            first = compile_leaf("{{ now() }}").render({})
            clock.shift(60)
            second = compile_leaf("{{ now() }}").render({})
        later = compile_leaf("{{ now() }}").render({})

    assert (first, second, later) == ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z")


def test_a_budget_can_be_smaller() -> None:
    with Budget(work=10), pytest.raises(TemplateLimit):
        compile_leaf("{% for a in range(20) %}{{ a }}{% endfor %}").render({})


def test_each_render_outside_of_a_budget_has_its_own() -> None:
    leaf = compile_leaf("{% for a in range(40000) %}{% endfor %}!")

    assert [leaf.render({}) for _ in range(20)] == ["!"] * 20


def test_weighing_stops_early_and_counts_shared_branches() -> None:
    shared: list[Any] = [1]
    for _ in range(200):
        shared = [shared, shared]

    assert weigh(shared, limit=1_000) < 2_000
    assert weigh([[1], [1]], limit=100) == 2 * weigh([1], limit=100) + 3
