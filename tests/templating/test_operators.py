"""Operators and tests of templates."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import TemplateError, TemplateLimit
from relay.templating import TESTS, compile_leaf

CONTEXT: dict[str, Any] = {"n": 3, "t": "abc", "l": [1, 2], "o": {"a": 1}, "none": None, "yes": True}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("n + 2", 5),
        ("n / 2", 1.5),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("2 ** 10", 1024),
        ("2 ** -1", 0.5),
        ("-n", -3),
        ("t + 'd'", "abcd"),
        ("l + [3]", [1, 2, 3]),
        ("t * 2", "abcabc"),
        ("2 * l", [1, 2, 1, 2]),
        ("'-' * -5", ""),
        ("t ~ n ~ none ~ yes ~ l", "abc3true[1, 2]"),
        ("'%05.1f' % 2.25", "002.2"),
        ("'%s and %s' % ('a', true)", "a and true"),
        ("'%s' % l", "[1, 2]"),
        ("'%(a)d%%' % o", "1%"),
        ("n == 3.0", True),
        ("t == 'abc'", True),
        ("t != l", True),
        ("l == [1, 2]", True),
        ("1 < n <= 3", True),
        ("1 < n < 3", False),
        ("'a' < 'b'", True),
        ("'b' in t", True),
        ("2 in l", True),
        ("3 not in l", True),
        ("'a' in o", True),
        ("5 in range(10)", True),
        ("n in [1, 2, 3]", True),
        ("l[0]", 1),
        ("l[-1]", 2),
        ("t[1:]", "bc"),
        ("t[::-1]", "cba"),
        ("l[:1]", [1]),
        ("o['a']", 1),
        ("o[t[0]]", 1),
        ("n if yes else t", 3),
        ("not yes", False),
        ("yes and n", 3),
        ("0 or t", "abc"),
    ],
)
def test_operators(expression: str, value: Any) -> None:
    found = compile_leaf(f"{{{{ {expression} }}}}").render(CONTEXT)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("n is number", True), ("yes is number", False), ("n is integer", True), ("1.5 is float", True),
        ("t is string", True),
        ("o is mapping", True), ("l is sequence", True), ("l is iterable", True), ("yes is boolean", True),
        ("yes is true", True), ("yes is false", False), ("none is none", True), ("n is odd", True),
        ("n is even", False),
        ("n is divisibleby 3", True), ("t is lower", True), ("t is upper", False), ("n is eq 3", True),
        ("n is ne 3", False),
        ("n is lt 4", True), ("n is gt 4", False), ("n is le 3", True), ("n is ge 4", False), ("n is in l", False),
        ("n is defined", True), ("zzz is not defined", True), ("zzz is undefined", True),
    ],
)  # fmt: skip
def test_tests(expression: str, value: bool) -> None:
    assert compile_leaf(f"{{{{ {expression} }}}}").render(CONTEXT) is value


def test_no_other_tests_exist() -> None:
    assert not {"callable", "sameas", "filter", "test", "escaped"} & TESTS.keys()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("n + t", "a number + text is not possible; use ~ to join them as text"),
        ("t - 1", "text - a number is not possible; | int or | float make numbers"),
        ("t < n", "text < a number is not possible; | int or | float make numbers"),
        ("none < n", "null < a number is not possible; | int or | float make numbers"),
        ("n in t", "text can only contain text, not a number; use | string"),
        ("1 in n", "a number can't contain anything"),
        ("o[1:]", "an object can't be sliced; text and lists can"),
        ("l['a':]", "a slice takes whole numbers, and a step other than 0"),
        ("l[::0]", "a slice takes whole numbers, and a step other than 0"),
        ("n / 0", "/ 0 is not possible: nothing can be divided by zero"),
        ("n % 0", "% 0 is not possible: nothing can be divided by zero"),
        ("0 ** -1", "0 ** a negative number is a division by zero"),
        ("(-8) ** 0.5", "a root of a negative number is not possible"),
        ("1e308 * 10", "the result is not a finite number"),
        ("dict()()", "only macros"),
        ("n()", "a number can't be called"),
        ("[namespace()]", "a namespace can't be put out"),
        ("{(1, 2): 3}", "a list can't be a key of an object"),
    ],
)
def test_what_is_not_possible_is_said_in_words(expression: str, message: str) -> None:
    with pytest.raises(TemplateError, match=r".*") as caught:
        compile_leaf(f"{{{{ {expression} }}}}").render(CONTEXT)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        ("2 ** 5000", "number size"),
        ("2 ** (2 ** 40)", "number size"),
        ("(2 ** 4000) * (2 ** 4000)", "number size"),
        ("10 ** 400 * 1.0", "number size"),
        ("'a' * 10 ** 9", "text size"),
        ("t * 1000000", "text size"),
        ("[0] * 10 ** 9", "work"),
        ("l * 10 ** 9", "work"),
        ("'%1000000000d' % 1", "number size"),
        ("range(10 ** 9)", "work"),
        ("range(10 ** 30)", "work"),
    ],
)
def test_results_are_predicted_not_computed(expression: str, limit: str) -> None:
    with pytest.raises(TemplateLimit) as caught:
        compile_leaf(f"{{{{ {expression} }}}}").render(CONTEXT)

    assert caught.value.limit == limit
