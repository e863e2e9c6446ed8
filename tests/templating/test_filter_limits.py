"""Tests every filter and test with hostile arguments: they stay within the time and memory of a template."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import RelayError
from relay.templating import FILTERS, TESTS, compile_leaf
from tests.support.template_costs import watched

DEEP: list[Any] = []
for _ in range(60):
    DEEP = [DEEP, DEEP[:0]]
VALUES: dict[str, Any] = {
    "text": "ab <é&\n" * 140_000,
    "ligatures": "\ufb03" * 250_000,
    "digits": "9" * 1_000_000,
    "numbers": list(range(100_000)),
    "texts": [f"k{n}" for n in range(50_000)],
    "rows": [{"a": n, "b": [n]} for n in range(20_000)],
    "object": {f"k{n}": n / 7 for n in range(40_000)},
    "deep": DEEP,
    "huge": 2**4_000,
    "late": "9999-12-31T23:59:59.999999Z",
}
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "none": (),
    "count": (10**9,),
    "counts": (10_000, 10_000),
    "one": (1,),
    "text": ("a" * 1_000_000,),
    "empty and text": ("", "b" * 100_000),
    "a letter and text": ("a", "b" * 1_000),
    "pattern": ("(a?){500}a{500}b",),
    "format": ("%9999.9999f%9999d" * 100,),
}


def bare(name: str, arguments: tuple[Any, ...]) -> str:
    """`name`, and in brackets the names a0, a1... of its arguments."""
    places = ", ".join(f"a{place}" for place in range(len(arguments)))
    return f"{name}({places})" if places else name


def context(value: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    return {"v": value, **{f"a{place}": argument for place, argument in enumerate(arguments)}}


@pytest.mark.exhaustive
@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_stays_within_its_limits(name: str, arguments: str) -> None:
    given = ARGUMENTS[arguments]
    leaf = compile_leaf("{% set r = v | default(1) | " + bare(name, given) + " %}")

    for value in VALUES.values():
        outcome = watched(lambda value=value: leaf.render(context(value, given)))

        assert outcome == "" or isinstance(outcome, RelayError)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_mapped_over_a_list_stays_within_its_limits(name: str) -> None:
    leaf = compile_leaf("{% set r = v | map('" + name + "', 10000) %}{% set r = v | map('" + name + "') %}")

    for value in (VALUES["numbers"], VALUES["texts"], ["a" * 10_000] * 5_000):
        outcome = watched(lambda value=value: leaf.render({"v": value}))

        assert outcome == "" or isinstance(outcome, RelayError)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", TESTS)
def test_a_test_stays_within_its_limits(name: str) -> None:
    for given in ((), (VALUES["text"],), (VALUES["numbers"],)):
        arguments = ", ".join(["'" + name + "'", *(f"a{place}" for place in range(len(given)))])
        leaf = compile_leaf(
            "{% set r = v | select(" + arguments + ") %}{% set r = [v, v] | reject(" + arguments + ") %}"
        )
        for value in VALUES.values():
            outcome = watched(lambda leaf=leaf, value=value, given=given: leaf.render(context(value, given)))

            assert outcome == "" or isinstance(outcome, RelayError)
