"""Hostile templates: `COMPILED` cost at compile time, `RENDERED` at render time, with `CONTEXT`."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

_DOUBLING = "{%% set n = namespace(v=%s) %%}{%% for i in range(100) %%}{%% set n.v = %s %%}{%% endfor %%}"
_LOOP = "{%% for i in range(99999) %%}%s{%% endfor %%}"


def filled(unit: str, before: str = "", after: str = "", size: int = 32_000) -> str:
    """A source as long as one may be, of one unit again and again."""
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


COMPILED = {
    "vast": "{{ x }}" * 200_000,
    **{unit[:30]: filled(unit) for unit in (
        "{{x}}", "{{a.b}}", "{{x|upper}}", "{##}", "{% raw %}{% endraw %}", "{% set a=1 %}", "{% if x %}{% endif %}",
        "{% for i in x %}{{loop.index}}{% endfor %}", "{% macro m() %}{% endmacro %}", "{% if x %}", "{% for i in x %}",
        "{{", "{%", "{#", "{", "\n", "{%- if x -%} {% endif %}", "{{ '", "{% raw %}", "{{-x}} ", "{% filter upper %}",
        "{% call m() %}{% endcall %}", "{% set a %}{% endset %}", "{% with a=1 %}{% endwith %}",
    )},
    **{f"chain of {unit}": filled(unit, "{{ ", "1 }}") for unit in (
        "1+", "2*", "2**", "x and ", "x~", "x<", "-", "not ", "1 if x else ", "x is defined and ", "[", "(", "{'a':",
        "1_", "9", "0x", "'a',", "'\\N{BULLET}'~", "x[", "x.a.", " ", "\n", "_", "x|", "x(",
    )},
    **{f"{size} of {unit[:20]}": unit * size for size in (150, 660) for unit in (
        "{{x}}", "{% macro m() %}{% endmacro %}", "{% for i in x %}{% endfor %}", "{{x|upper}}", "{% if x %}{% endif %}",
    )},
    "names": "".join(f"{{{{n{n}}}}}" for n in range(660)),
    "sets": "".join(f"{{% set a{n}=1 %}}" for n in range(330)),
    "elif": "{% if x %}" + "{% elif x %}" * 480 + "{% endif %}",
    "parameters": "{% macro m(" + ",".join(f"a{n}=1" for n in range(490)) + ") %}{% endmacro %}{{ m() }}",
    "targets": "{% set " + ",".join(f"a{n}" for n in range(900)) + " = x %}",
    "comparisons": "{{ " + "x<" * 990 + "1 }}",
    "balanced": "{{ " + "[" * 60 + "]" * 60 + " }}",
    "blocks": "{% if x %}" * 200 + "{% endif %}" * 200,
    "loops": "{% for i in x %}" * 20 + "{% endfor %}" * 20,
    "colliding keys": "{{ {" + ",".join(f"{n * (2**61 - 1)}:1" for n in range(1, 490)) + "} }}",
    "folded text": "{{ ('a' * 200000000) | length }}",
    "folded format": "{{ '%200000000d' % 1 }}",
    "folded power": "{{ 2 ** (2 ** 40) }}",
    "folded list": "{{ [0] * 10 ** 9 }}",
}  # fmt: skip

RENDERED = {
    **{body: _LOOP % body for body in (
        "{{ x }}", "{{ d.zzz | default(1) }}", "{% set y = i * 2 + 1 - 3 / 4 %}", "{% set y = now() %}", "{{ i }}",
        "{% set y = dict(a=i) %}", "{% set y = namespace(a=i) %}", "{% macro m() %}{% endmacro %}", "{% set y = [i] %}",
        "{% for j in [1] %}{{ loop.index }}{% endfor %}", "{% set y %}{% endset %}", "{% set y = i ~ i %}",
        "{% filter upper %}{% endfilter %}", "{% set y = '%.9999f' % (0.1,) %}", "{% set y = (2 ** 4000) ~ '' %}",
        "{% set y = 3 ** 2500 %}", "{% set y = (2 ** 4000 + 1) % (2 ** 2000 - 1) %}", "{% set y = t[1:] %}",
        "{% set y = t[::-1] %}", "{% set y = i is odd %}", "{{ loop.changed(l) }}", "{{ loop.cycle(l) }}",
        "{% if t == t ~ '' %}{% endif %}", "{{ i in l }}", "{% set y = needle in hay %}", "{% set y = t | int %}",
        "{% set y = 'a' | center(10000) %}", "{% set y = ('9' * 1200) | int %}", "{% set y = rows == rows2 %}",
        "{% for j in range(99999) %}{% endfor %}", "{% set y = x | tojson %}", "x" * 20_000,
    )},
    **{f"{start} -> {step}": _DOUBLING % (start, step) for start, step in (
        ("[1]", "n.v + n.v"), ("[1]", "[n.v, n.v]"), ("{}", "{'a': n.v, 'b': n.v}"), ("{}", "dict(a=n.v, b=n.v)"),
        ("'aa'", "n.v ~ n.v"), ("'aa'", "n.v * 2"), ("'aa'", "n.v | replace('a', 'aa')"), ("'aa'", "[n.v, n.v] | join"),
        ("'aa'", "'%s%s' % (n.v, n.v)"), ("'aa'", "n.v | indent(n.v, true)"), ("2", "n.v * n.v"), ("2", "n.v ** 2"),
        ("[1]", "[n.v] | map('default', n.v) | list + n.v"), ("'aa'", "n.v | wordwrap(1, true, n.v)"), ("2.0", "n.v * n.v"),
        ("[1]", "n.v + [t]"), ("[1]", "[n.v]"), ("'<'", "n.v | escape | escape"),
    )},
    **{expression: "{{ " + expression + " }}" for expression in (
        "range(10 ** 12)", "range(99999) | list", "[range(99999)] * 50", "range(99999) | sum", "l | sort | length",
        "range(10000) | map('center', 10000) | list | length", "['a'] | map('center', 10 ** 8) | list",
        "'%*d' | format(10 ** 9, 1)", "('%9999d' * 1000) | format(1)", "'%.1000000000f' | format(1)", "'1' | center(10 ** 9)",
        "('9' * 10 ** 6) | int", "'9' * 10 ** 7", "2 ** 2 ** 40", "10 ** 1000000", "1e308 * 10", "l | batch(1) | length",
        "[1] | slice(10 ** 8)", "[1] | slice(10000, l)", "[1] | batch(10000, t)", "l | tojson(indent=10 ** 9)",
        "rows | tojson(indent=16)", "('\\0' * 10 ** 6) | tojson", "d | tojson", "t | list | length", "t | split('a')",
        "t | wordwrap(1)", "t | title", "('ab ' * 330000) | title", "('<' * 10 ** 6) | escape", "('<' * 10 ** 6) | striptags",
        "('<a>' * 300000) | striptags", "('&#1' * 300000) | striptags", "('<' * 10 ** 6) | urlencode", "t | wordcount",
        "('\ufb03' * 10 ** 6) | upper", "rows | groupby('a')", "rows | groupby('zzz', 'x')", "coll | unique", "l | sort",
        "([ll] * 1000) | sort", "ll | sort", "rows | sort(attribute='a,a,a,a,a,a,a,a')", "d | dictsort(by='value')",
        "l | select('in', l)", "words | join(t)", "t | indent('b' * 10000)", "t | replace('', t)", "t | truncate(10 ** 9)",
        "t | trim(t)", "d.zzzzz", "rows | map(attribute='bb') | list", "rows | map(attribute='" + "a." * 90 + "')",
    )},
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "caller": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}" + "{% call m() %}" * 20 + "x" + "{% endcall %}" * 20,
    "varargs": "{% macro m() %}{{ m(varargs, varargs) }}{% endmacro %}{{ m(1) }}",
    "recursive": "{% for a in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "sets": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "blocks": "{% set a %}a{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60,
    "filters": "{% filter center(10000) %}" * 20 + "a" + "{% endfilter %}" * 20,
}  # fmt: skip

CONTEXT: dict[str, Any] = {
    "x": {"a": 1},
    "t": "a" * 1_000_000,
    "l": list(range(100_000)),
    "ll": [[0] * 50 + [n] for n in range(2_000)],
    "words": [f"k{n}" for n in range(50_000)],
    "rows": [{"a": n, "b": {"c": [n] * 3}} for n in range(10_000)],
    "rows2": [{"a": n, "b": {"c": [n] * 3}} for n in range(10_000)],
    "coll": [n * (2**61 - 1) for n in range(20_000)],
    "d": {f"key{n}": n for n in range(40_000)},
    "hay": "a" * 2_499,
    "needle": "a" * 1_200 + "b" + "a" * 10,
}
