"""Tests the meaning and the faults of conditions."""

from __future__ import annotations

from typing import Any

import pytest

from relay.conditions import compile_condition
from relay.errors import DocumentFaults, MissingName, TemplateError

YES: dict[str, Any] = {"left": 1, "op": "equals", "right": 1}
NO: dict[str, Any] = {"left": 1, "op": "equals", "right": 2}


@pytest.mark.parametrize(
    ("doc", "answer"),
    [
        (YES, True),
        (NO, False),
        ({"all": [YES, NO]}, False),
        ({"all": [YES, YES]}, True),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, NO]}, False),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"not": NO}, True),
        ({"not": {"any": [NO, {"all": [YES, {"not": YES}]}]}}, True),
        ({"not": {"left": "{{ nope }}", "op": "exists"}}, True),
        ({"left": "{{ a }}", "op": "exists", "right": None}, True),
        ({"left": "{{ a | upper }}", "op": "equals", "right": "{{ 'x' | upper }}"}, True),
        ({"left": "n: {{ a }}", "op": "equals", "right": "n: x"}, True),
        ({"left": "plain", "op": "contains", "right": "lai"}, True),
    ],
)
def test_conditions(doc: Any, answer: bool) -> None:
    assert compile_condition(doc).holds({"a": "x"}) is answer


def test_rules_after_the_answer_are_not_asked() -> None:
    failing = {"left": "{{ 1 / 0 }}", "op": "is_true"}

    assert compile_condition({"any": [YES, failing]}).holds({}) is True
    assert compile_condition({"all": [NO, failing]}).holds({}) is False


def test_only_a_missing_left_is_forgiven() -> None:
    with pytest.raises(MissingName):
        compile_condition({"left": 1, "op": "equals", "right": "{{ nope }}"}).holds({})
    with pytest.raises(TemplateError):
        compile_condition({"left": "{{ 1 / 0 }}", "op": "equals", "right": 1}).holds({})


def nested(depth: int) -> dict[str, Any]:
    return {"not": nested(depth - 1)} if depth else YES


@pytest.mark.parametrize(
    ("doc", "faults"),
    [
        ([], ['a condition is an object with "all", "any", "not" or "op"']),
        ({"all": [YES, {"left": 1, "op": "equal",
        "right": 1}]}, ["all[1].op: this comparison does not exist: did you mean equals?"]),
        ({"any": [{"not": {"op": 5}}]}, ["any[0].not.left: is missing",
        "any[0].not.op: this comparison does not exist: choose one of equals"]),
        ({"all": {}}, ["all: all takes a list of conditions"]),
        ({"all": [], "any": []}, ["any: can't stand beside all"]),
        ({"all": [], "left": 1}, ["left: can't stand beside all"]),
        ({}, ["left: is missing", "op: is missing"]),
        ({"left": 1, "op": "equals"}, ["right: is missing"]),
        ({"left": 1, "op": "exists", "right": 1}, ["right: exists takes no right side"]),
        ({**YES, "extra": 1}, ["extra: unknown key; a rule has left, op and right"]),
        ({"left": "{{ a }", "op": "equals", "right": ["{{ }}"]},
         ["left: line 1: unexpected '}'", "right[0]: line 1: unexpected '}}'"]),
        ({"left": "a", "op": "matches", "right": "("}, ["right: the pattern is not a regular expression of RE2"]),
        ({"left": 1, "op": ">=", "right": 2}, ["op: this comparison does not exist: did you mean at_least?"]),
        ({"left": 1, "op": "greater_than", "right": "ten"}, ["right: is a number, as 100: greater_than compares numb"]),
        ({"left": 1, "op": "at_most", "right": "2026-01-31"}, ["right: is a number, as 100: at_most compares number"]),
        ({"left": 1, "op": "before", "right": "soon"}, ["right: is a date, as 2026-01-31: before compares dates"]),
        ({"left": 1, "op": "in", "right": 5}, ["right: is a list, or text with commas between its parts"]),
        ({"all": [YES] * 300}, ["all[200]: a condition has more than 200 rules"]),
        (nested(20), [".".join(["not"] * 17) + ": conditions are nested more than 16 levels deep"]),
    ],
)  # fmt: skip
def test_faults_have_paths(doc: Any, faults: list[str]) -> None:
    with pytest.raises(DocumentFaults) as caught:
        compile_condition(doc)

    found = [str(fault) for fault in caught.value.faults]
    assert len(found) == len(faults)
    assert all(one.startswith(expected) for one, expected in zip(found, faults, strict=True)), found
