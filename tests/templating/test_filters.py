"""Tests the filters: their examples, and further promises."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from relay.errors import TemplateError, TemplateLimit
from relay.templating import FILTERS, compile_leaf

CONTEXT: dict[str, Any] = {
    "event": {"body": {}},
    "rows": [
        {"sku": "B", "n": 2, "by": {"c": "DE"}},
        {"sku": "a", "n": 1, "by": {"c": "FR"}},
        {"n": 3, "by": {"c": "de"}},
    ],
    "o": {"b": 1, "a": 2},
    "huge": [n * (2**61 - 1) for n in range(2_000)],
}


@pytest.mark.parametrize("name", FILTERS)
def test_the_example_of_a_filter_gives_its_result(name: str) -> None:
    filter_ = FILTERS[name]

    assert compile_leaf(filter_.example).render(CONTEXT) == filter_.result
    assert filter_.help.endswith(".")
    assert filter_.group
    assert len(filter_.help) <= 120


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 'ab' | center(4) }}", " ab "),
        ("{{ 'a\n\nb' | indent(2, first=true) }}", "  a\n\n  b"),
        ("{{ 'a\nb' | indent('> ', true) }}", "> a\n> b"),
        ("{{ 'aaa' | replace('a', 'b', 2) }}", "bba"),
        ("{{ 5 | replace(5, 6) }}", "6"),
        ("{{ 'a b  c' | split }}", ["a", "b", "c"]),
        ("{{ 'xxhixx' | trim('x') }}", "hi"),
        ("{{ 'abcdef' | truncate(5, true, '..') }}", "abc.."),
        ("{{ 'short' | truncate(10) }}", "short"),
        ("{{ 'abcdef gh' | wordwrap(3) }}", "abc\ndef\ngh"),
        ("{{ 'abcdef gh' | wordwrap(3, false) }}", "abcdef\ngh"),
        ("{{ 'a < b <!-- x > y --> &amp; c <br/' | striptags }}", "a < b & c <br/"),
        ("{{ '<b>a</b> <!-- x > y --> c' | striptags }}", "a c"),
        ("{{ {'a b': 'c&d', 'e': 1} | urlencode }}", "a%20b=c%26d&e=1"),
        ("{{ 'a/b' | urlencode }}", "a%2Fb"),
        ("{{ 'a;b?c#d é+' | urlencode }}", "a%3Bb%3Fc%23d%20%C3%A9%2B"),
        ("{{ 'a b/c?d' | urlencode_path }}", "a%20b/c%3Fd"),
        ("{{ none | string }}", ""),
        ("{{ {'é': [1.5, none, true]} | tojson }}", '{"é": [1.5, null, true]}'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{{ '%s has %d' | format('Ann', 3) }}", "Ann has 3"),
        ("{{ '%(a)s' | format(a='x') }}", "x"),
        ("{{ '<a>' | e | upper }}", "&LT;A&GT;"),
        ("{{ '12.7' | int }}", 12),
        ("{{ 'x' | int(5) }}", 5),
        ("{{ 'ff' | int(base=16) }}", 255),
        ("{{ none | float }}", 0.0),
        ("{{ 'nan' | float(1) }}", 1),
        ("{{ 2.5 | round }}", 3.0),
        ("{{ 2.1 | round(method='ceil') }}", 3.0),
        ("{{ 2.19 | round(1, 'floor') }}", 2.1),
        ("{{ [1, 2, 3] | batch(2, 0) }}", [[1, 2], [3, 0]]),
        ("{{ [1, 2, 3, 4, 5] | slice(3) }}", [[1, 2], [3, 4], [5]]),
        ("{{ [1, 2, 3, 4] | slice(3, 'x') }}", [[1, 2], [3, "x"], [4, "x"]]),
        ("{{ o | dictsort }}", [["a", 2], ["b", 1]]),
        ("{{ o | dictsort(by='value') }}", [["b", 1], ["a", 2]]),
        ("{{ o | length }}", 2),
        ("{{ o | first }}", "b"),
        ("{{ 'abc' | last }}", "c"),
        ("{{ 'abc' | reverse }}", "cba"),
        ("{{ 'ab' | list }}", ["a", "b"]),
        ("{{ rows | map(attribute='by.c') | join('+') }}", "DE+FR+de"),
        ("{{ rows | map(attribute='sku', default='?') }}", ["B", "a", "?"]),
        ("{{ rows | join(',', attribute='n') }}", "2,1,3"),
        ("{{ ['1', '2'] | map('int') | sum }}", 3),
        ("{{ ['a.b', 'c'] | map('replace', '.', '') }}", ["ab", "c"]),
        ("{{ rows | sum(attribute='n', start=1) }}", 7),
        ("{{ rows | sort(attribute='n') | map(attribute='n') }}", [1, 2, 3]),
        ("{{ rows | sort(true, attribute='by.c,n') | map(attribute='n') }}", [1, 3, 2]),
        ("{{ ['b', 'A'] | sort }}", ["A", "b"]),
        ("{{ ['b', 'A', 'a'] | sort(case_sensitive=true) }}", ["A", "a", "b"]),
        ("{{ rows | max(attribute='n') | d({}) }}", {"n": 3, "by": {"c": "de"}}),
        ("{{ ['a', 'A', 1, 1.0] | unique }}", ["a", 1]),
        ("{{ ['a', 'A'] | unique(case_sensitive=true) }}", ["a", "A"]),
        ("{{ rows | groupby('by.c') | map(attribute='list') | map('length') }}", [2, 1]),
        ("{{ rows | groupby('sku', default='b') | map(attribute='grouper') }}", ["a", "B"]),
        ("{{ rows | groupby('n') | first }}", {"grouper": 1, "list": [CONTEXT["rows"][1]]}),
        ("{{ rows | selectattr('sku') | map(attribute='n') }}", [2, 1]),
        ("{{ rows | selectattr('sku', 'undefined') | map(attribute='n') }}", [3]),
        ("{{ rows | selectattr('by.c', 'in', ['DE', 'FR']) | length }}", 2),
        ("{{ rows | rejectattr('n', 'equalto', 2) | length }}", 2),
        ("{{ [0, 1, ''] | select }}", [1]),
        ("{{ [1, 2] | reject('even') }}", [1]),
        ("{{ huge | unique | length }}", 2_000),
    ],
)  # fmt: skip
def test_filters(source: str, value: Any) -> None:
    assert compile_leaf(source).render(CONTEXT) == value


@pytest.mark.parametrize(
    "source",
    [
        "{{ none | length }}",
        "{{ 5 | list }}",
        "{{ 5 | items }}",
        "{{ [1, 'a'] | sort }}",
        "{{ [1, 'a'] | sum }}",
        "{{ [[1]] | sum(start=[]) }}",
        "{{ 'a' | abs }}",
        "{{ 'a' | round }}",
        "{{ 1 | round(2, 'odd') }}",
        "{{ 'a' | upper('b') }}",
        "{{ 'a' | default(a=1) }}",
        "{{ [1] | map }}",
        "{{ [1] | map('nope') }}",
        "{{ [1] | map('%walk', 'a', ['b']) }}",
        "{{ [1] | select('nope') }}",
        "{{ [1] | select(5) }}",
        "{{ rows | selectattr(rows) }}",
        "{{ rows | map(attribute='a' * 300) }}",
        "{{ 'a' | split('') }}",
        "{{ '%s %s' | format('a') }}",
        "{{ '%d' | format('a') }}",
        "{{ '%q' | format('a') }}",
        "{{ [1] | batch('2') }}",
        "{{ [1] | tojson(indent='a') }}",
        "{{ o | dictsort(by='other') }}",
        "{{ range(3) | map('range') }}",
    ],
)
def test_a_wrong_use_is_a_template_error(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_leaf(source).render(CONTEXT)


def test_an_error_of_a_filter_shows_its_example() -> None:
    with pytest.raises(
        TemplateError, match=r"`batch` can't be used like this on a list; an example: \{\{ \[1, 2, 3\] \|"
    ):
        compile_leaf("{{ [1] | batch('2') }}").render({})


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' | center(10001) }}",
        "{{ 'a' | indent(10001) }}",
        "{{ 'a' | wordwrap(0) }}",
        "{{ 'a' | truncate(10001) }}",
        "{{ [1] | batch(0) }}",
        "{{ [1] | slice(10001) }}",
        "{{ [1] | tojson(indent=10001) }}",
        "{{ '%10001d' | format(1) }}",
        "{{ '%.10001f' | format(1) }}",
        "{{ 'a' | center(-1) }}",
    ],
)
def test_numbers_of_filters_are_bounded(source: str) -> None:
    with pytest.raises(TemplateLimit) as caught:
        compile_leaf(source).render({})

    assert caught.value.limit == "number size"


_LOADING = """
import sys
from relay.templating import compile_leaf
heavy = {"babel", "dateutil", "phonenumbers"}
assert not heavy & set(sys.modules), "at start"
compile_leaf("{{ 'a' | upper }}")
assert not heavy & set(sys.modules), "for another filter"
compile_leaf("{{ 5 | money('EUR') }}{{ ['x'] | map('phone') }}{{ 1 | date_unix }}")
assert heavy <= set(sys.modules), "not when compiled"
"""


def test_heavy_libraries_are_imported_when_a_template_that_needs_them_is_compiled() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADING], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
