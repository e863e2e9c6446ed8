"""Tests hostile conditions: large values in many rules stay within the time of a template."""

from __future__ import annotations

from typing import Any

import pytest

from relay.conditions import compile_condition
from relay.conditions.operators import OPERATORS, WITHOUT_RIGHT
from relay.errors import TemplateError
from tests.support.template_costs import timed

VALUES: dict[str, Any] = {
    "text": "a" * 1_000_000,
    "commas": "," * 1_000_000,
    "trues": [True] * 100_000,
    "texts": [f"{n}.5" for n in range(50_000)],
    "lists": [[n] for n in range(50_000)],
    "object": {f"k{n}": n for n in range(40_000)},
    "huge": 10**4_000,
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("left", VALUES)
@pytest.mark.parametrize("op", OPERATORS)
def test_rules_on_large_values_end_soon(op: str, left: str) -> None:
    for right in ("commas", "texts", "huge") if op not in WITHOUT_RIGHT else (None,):
        rule = {"left": "{{ " + left + " }}", "op": op} | ({"right": "{{ " + right + " }}"} if right else {})
        condition = compile_condition({"all": [{"any": [rule, {"not": rule}]}] * 30})

        outcome = timed(lambda condition=condition: condition.holds(VALUES))

        assert isinstance(outcome, (bool, TemplateError))
