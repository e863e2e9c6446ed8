"""How much a run of the tests tries: the examples of property tests, and the rows of long tables."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet


def examples(count: int) -> settings:
    """Try `count` examples with RELAY_TEST_EXAMPLES=all, as CI does, and otherwise a fifth of them."""
    return settings(max_examples=count if os.environ.get("RELAY_TEST_EXAMPLES") == "all" else count // 5, deadline=None)


def a_few(values: Iterable[Any], few: Collection[Any]) -> list[Any]:
    """The rows of a table, of which all but `few` are exhaustive: only CI tries them. Each row is one parameter."""
    rows = list(values)
    assert all(one in rows for one in few), "no row of the table"
    return [one if one in few else pytest.param(one, marks=pytest.mark.exhaustive) for one in rows]


def of_each_service(actions: Iterable[ParameterSet]) -> list[ParameterSet]:
    """Rows of a connector and an action, of which all but the first of each connector are exhaustive."""
    seen: set[str] = set()
    rows = []
    for param in actions:
        connector = param.values[0]
        marks = [pytest.mark.exhaustive] if connector.key in seen else []
        seen.add(connector.key)
        rows.append(pytest.param(*param.values, id=param.id, marks=marks))
    return rows
