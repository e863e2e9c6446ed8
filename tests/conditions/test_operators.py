"""How the operators of rules compare."""

from __future__ import annotations

from typing import Any

import pytest

from relay.conditions import OPERATORS, WITHOUT_RIGHT, compile_condition, not_numbers
from relay.conditions.operators import COMPARISONS
from relay.errors import TemplateError, TemplateLimit


def holds(left: Any, op: str, right: Any = None) -> bool:
    rule = {"left": "{{ left }}", "op": op} | ({} if op in WITHOUT_RIGHT else {"right": "{{ right }}"})
    return compile_condition(rule).holds({"left": left, "right": right})


@pytest.mark.parametrize(
    ("left", "op", "right", "answer"),
    [
        ("a", "equals", "a", True), ("a", "equals", "A", False), (1, "equals", "1.0", True),
        ("1.0", "equals", 1, True),
        ("1.50", "equals", "1.5", False), ("1.10", "equals", "1.1", False), ("1", "not_equals", "1.0", True),
        ("1.50", "equals", 1.5, True), ("1.50", "in", ["1.5"], False), ("1.50", "in", [1.5], True),
        ("007", "equals", "7", False), ("+49", "equals", 49, False),
        (0.1, "equals", "0.1", True),
        ("1e3", "equals", 1000, False), (True, "equals", "true", True), (True, "equals", 1, False),
        (None, "equals", None, True),
        (None, "equals", "", False), ([1], "equals", [1], True), ({"a": 1}, "equals", {"a": 1}, True),
        ("", "equals", 0, False),
        (10**30, "equals", str(10**30), True), (10**30, "equals", str(10**30 + 1), False),
        ("a", "not_equals", "b", True), (1, "not_equals", "1", False),
        ("abc", "contains", "b", True), ("abc", "contains", "", True), ([1, "b"], "contains", "1", True),
        ([1], "contains", 2, False),
        ({"k": 1}, "contains", "k", True), (12345, "contains", 34, True), (None, "contains", "a", False),
        ("abc", "not_contains", "x", True), ([1], "not_contains", 1, False),
        ("abc", "starts_with", "ab", True), ("abc", "starts_with", "b", False), (123, "starts_with", "12", True),
        ("abc", "ends_with", "bc", True), ([1], "ends_with", "1", False),
        ("order-42", "matches", r"\d+", True), ("order", "matches", r"^\d", False),
        ("ORDER", "matches", "(?i)order", True),
        ("é", "matches", "^.$", True), ("a\ud800", "matches", "^a", True), (42, "matches", "^42$", True),
        ("b", "in", ["a", "b"], True), ("b", "in", "a, b", True), (2, "in", "1, 2", True),
        ("b", "in", {"b": 1}, False),
        ("c", "not_in", ["a", "b"], True), (1, "not_in", ["1"], False),
        ("10", "greater_than", 9, True), (10, "greater_than", "9", True), ("10", "greater_than", "9", True),
        ("1e5", "greater_than", 5, True), ("+5", "greater_than", 4, True), ("1E+3", "at_least", "1000", True),
        ("-2e3", "less_than", "-1999.5", True), ("+1.5e-3", "at_most", 0.0015, True), (5, "less_than", "1e999", True),
        (" +12 ", "greater_than", "5", True), ("1,5", "greater_than", 1, False), ("1.500,00", "greater_than", 1, False),
        ("1e", "greater_than", 0, False), ("++5", "greater_than", 0, False), ("1e99999", "greater_than", 0, False),
        ("0x1F", "greater_than", 0, False), ("Infinity", "greater_than", 0, False), ("1_000", "greater_than", 0, False),
        ("a", "greater_than", "b", False), (None, "greater_than", 0, False), (True, "greater_than", 0, False),
        (9, "at_least", "9.0", True), (8.9, "at_least", 9, False), ("-1", "less_than", 0, True),
        (0, "less_than", 0, False),
        (0, "at_most", 0, True), (float("inf"), "greater_than", 1, False),
        ("2026-01-01", "before", "2026-01-02", True),
        ("2026-01-01T10:00:00Z", "before", "2026-01-01T12:00:00+01:00", True),
        ("2026-01-02", "after", 1767225600, True), (1767225600_000, "before", "2026-01-01T00:00:01Z", True),
        ("2026-01-01T00:00:00", "after", "2025-12-31T23:59:59Z", True), ("soon", "before", "2026-01-01", False),
        (None, "after", "2026-01-01", False), ("2026-01-01", "before", "", False),
        ("0001-01-01T00:00:00+23:00", "before", 0, True),
        ("Jan 31, 2026", "after", "2026-01-30", True), ("31.01.2026", "before", "2026-01-31T00:00:01Z", True),
        ("Sat, 31 Jan 2026 10:00:00 GMT", "after", "2026-01-31T09:59:59Z", True),
        ("Sat Jan 31 2026 10:00:00 GMT+0100 (CET)", "before", "2026-01-31T09:00:01Z", True),
        ("2026-01-31 24:61", "after", "2026-01-01", False), ("x" * 5_000, "after", "2026-01-01", False),
        (None, "exists", None, True), ("", "exists", None, True),
        (None, "is_empty", None, True), (" \n", "is_empty", None, True), ([], "is_empty", None, True),
        ({}, "is_empty", None, True),
        (0, "is_empty", None, False), (False, "is_empty", None, False), ("a", "is_empty", None, False),
        (True, "is_true", None, True), ("Yes", "is_true", None, True), ("1", "is_true", None, True),
        (2, "is_true", None, True),
        (0, "is_true", None, False), ("false", "is_true", None, False), ("no", "is_true", None, False),
        (None, "is_true", None, False),
        ([1], "is_true", None, False),
    ],
)  # fmt: skip
def test_operators(left: Any, op: str, right: Any, answer: bool) -> None:
    assert holds(left, op, right) is answer


@pytest.mark.parametrize("op", OPERATORS)
def test_a_missing_left_is_false(op: str) -> None:
    for left in ("{{ event.body.nope.more }}", "{{ nope | upper }}", "a {{ nope }}", ["{{ nope }}"]):
        rule = {"left": left, "op": op} | ({} if op in WITHOUT_RIGHT else {"right": "20240131"})

        assert compile_condition(rule).holds({"event": {"body": {}}}) is False


def test_every_operator_has_a_label_and_a_comparison() -> None:
    assert OPERATORS.keys() == COMPARISONS.keys()
    assert OPERATORS.keys() >= WITHOUT_RIGHT
    assert len(set(OPERATORS.values())) == len(OPERATORS)


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{100000}", 5, "a" * 1_001])
def test_a_bad_pattern_from_a_payload_is_a_template_error(pattern: Any) -> None:
    with pytest.raises(TemplateError):
        holds("a", "matches", pattern)


def test_a_pattern_takes_linear_time() -> None:
    assert holds("a" * 50_000 + "!", "matches", "^(a+)+$") is False


@pytest.mark.parametrize("op", ["contains", "in"])
def test_scanning_long_lists_over_and_over_runs_out_of_fuel(op: str) -> None:
    rule = {"left": "{{ a }}", "op": op, "right": "{{ b }}"}
    numbers = list(range(20_000))
    context = {"a": numbers, "b": -1} if op == "contains" else {"a": -1, "b": numbers}

    with pytest.raises(TemplateLimit):
        compile_condition({"any": [rule] * 20}).holds(context)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,5", "| parse_number('de') reads it"),
        ("1.500,00 €", "| parse_number('de') reads it"),
        ("1.234.567", "| parse_number('de') reads it"),
        ("1,234", "| parse_number('de') for one of decimals"),
        ("1,234.50", "| parse_number reads it"),
        ("1,234,567", "| parse_number reads it"),
        ("$ 12.50", "| parse_number reads it"),
        ("007", "| parse_number reads it"),
        ("many", "is not a number"),
        ("null", "is not a number"),
        ("[1]", "is not a number"),
        ("+1.5e3", ""),
        ("12", ""),
    ],
)
@pytest.mark.parametrize("path", ["left", "all[0].left", "any[1].not.left", "not.all[0].right"])
def test_what_greater_and_less_cannot_read_is_said(text: str, said: str, path: str) -> None:
    rule = {"left": "{{ a }}", "op": "at_least", "right": "{{ b }}"}
    other = {"left": "{{ a }}", "op": "equals", "right": "x"}
    condition: dict[str, Any] = {
        "left": rule,
        "all[0].left": {"all": [rule]},
        "any[1].not.left": {"any": [other, {"not": rule}]},
        "not.all[0].right": {"not": {"all": [rule]}},
    }[path]

    hints = list(not_numbers(condition, {path: text, "any[0].left": "abc"}))

    assert len(hints) == bool(said)
    assert not said or said in hints[0]
