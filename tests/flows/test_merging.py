"""Tests that two edits of one document merge, or report where they conflict."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.flows.merging import Conflict, merge

LEAVES = st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}),
        ({"a": 1}, {"a": 1, "b": 1}, {"a": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, {"a": {"b": 1}}, {"a": {"b": 2}}),
        ([1, 1], [2, 1], [1, 2], [2, 2]),
        ({"a": 1}, {"a": True}, {"a": 1}, {"a": True}),
    ],
    ids=["two keys", "two new keys", "one removed", "nested", "elements", "true is not 1"],
)
def test_changes_of_different_places_are_both_kept(base: Any, mine: Any, theirs: Any, merged: Any) -> None:
    found, conflicts = merge(base, mine, theirs)

    assert repr(found) == repr(merged) or found == merged
    assert conflicts == []
    assert type(found) is type(merged)


def steps(*ids: str, **values: Any) -> list[dict[str, Any]]:
    return [{"id": one, **({"value": values[one]} if one in values else {})} for one in ids]


@pytest.mark.parametrize(
    ("mine", "theirs", "merged"),
    [
        (steps("a", "b", "c", "new"), steps("b", "c"), steps("b", "c", "new")),
        (steps("c", "a", "b"), steps("a", "b", "c", "new"), steps("c", "new", "a", "b")),
        (steps("a", "c"), steps("a", "b", "c", a=1), steps("a", "c", a=1)),
    ],
    ids=["added and removed", "moved and added", "removed and changed elsewhere"],
)
def test_steps_are_merged_by_their_ids(mine: Any, theirs: Any, merged: Any) -> None:
    found, conflicts = merge(steps("a", "b", "c"), mine, theirs)

    assert found == merged
    assert conflicts == []


def test_the_same_place_changed_twice_is_a_conflict_in_which_mine_wins() -> None:
    found, conflicts = merge({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": {"b": 3}})

    assert found == {"a": {"b": 2}}
    assert conflicts == [Conflict(("a", "b"), 2, 3)]


def test_a_value_that_one_removed_and_the_other_changed_is_a_conflict() -> None:
    _, conflicts = merge({"a": 1}, {}, {"a": 2})

    assert conflicts == [Conflict(("a",), None, 2)]


@given(VALUES, VALUES)
def test_one_edit_alone_is_taken_as_it_is(base: Any, changed: Any) -> None:
    before = copy.deepcopy((base, changed))

    assert merge(base, changed, base)[0] == changed
    assert merge(base, base, changed)[0] == changed
    assert merge(base, changed, changed) == (changed, [])
    assert (base, changed) == before


def test_thousands_of_steps_are_merged_in_one_pass() -> None:
    base = [{"id": f"s{number}"} for number in range(0, 20_000, 2)]
    mine = [{"id": f"s{number}"} for number in range(20_000)]
    theirs = [*base, {"id": "last"}]

    merged, conflicts = merge(base, mine, theirs)

    assert conflicts == []
    assert [one["id"] for one in merged][-3:] == ["s19998", "last", "s19999"]
    assert len(merged) == 20_001
