"""Tests of the comparison of two texts: it shows every change, or says that there are too many."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.web.ui import text_diff
from relay.web.ui.text_diff import compare

LINES = st.lists(st.sampled_from("abcd"), max_size=30)


def edits(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    result = text_diff._edits(before, after)
    assert result is not None
    return result


@given(LINES, LINES)
def test_unchanged_and_removed_lines_are_the_old_text_unchanged_and_added_lines_the_new(
    before: list[str], after: list[str]
) -> None:
    result = edits(before, after)

    assert [line for mark, line in result if mark in " -"] == before
    assert [line for mark, line in result if mark in " +"] == after


def test_the_fewest_changes_are_found() -> None:
    result = edits(list("abcabba"), list("cbabac"))

    assert sum(mark != " " for mark, _ in result) == 5


def test_lines_that_did_not_change_are_left_out() -> None:
    before = "\n".join(str(number) for number in range(40))

    lines = compare(before, before.replace("\n5\n", "\nfive\n").replace("\n30\n", "\nthirty\n")).lines

    assert [line for line in lines if line[0] in "-+…"] == [
        ("-", "5"), ("+", "five"), ("…", ""), ("-", "30"), ("+", "thirty")
    ]  # fmt: skip
    assert len(lines) == 13


@pytest.mark.parametrize(("before", "after", "marks"), [("a", "a", ""), ("", "a", "+"), ("a", "", "-"), ("", "", "")])
def test_empty_and_one_line_texts(before: str, after: str, marks: str) -> None:
    assert "".join(mark for mark, _ in compare(before, after).lines) == marks


def test_a_change_in_a_long_text_is_shown() -> None:
    before = "\n".join(map(str, range(50_000)))

    result = compare(before, before.replace("\n25000\n", "\nx\ny\n"))

    assert [line for line in result.lines if line[0] != " "] == [("-", "25000"), ("+", "x"), ("+", "y")]


def _shuffled(lines: int, different: int) -> str:
    chosen = random.Random(lines)
    return "\n".join(str(chosen.randrange(different)) for _ in range(lines))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_shuffled(32_000, 100), _shuffled(31_999, 100)),
        (_shuffled(900, 100), _shuffled(901, 100)),
        ("\n".join("ab" * 450), "\n".join("cd" * 450)),
        ("x\n" * 200_000 + "a", "y\n" * 200_000 + "b"),
    ],
    ids=["thousands of lines", "changes", "nothing alike", "400,000 characters"],
)
def test_too_many_differences_are_reported_with_the_sizes(before: str, after: str) -> None:
    result = compare(before, after)

    assert result.lines == []
    assert result.note.startswith("Too many differences to show line by line: it had ")
    assert f"{before.count(chr(10)) + 1:,} lines" in result.note


def test_every_comparison_counts_against_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = "a\n" + "x\n" * 300 + "b", "c\n" * 30 + "x\n" * 300 + "d\n" * 30
    assert compare(before, after).note == ""

    monkeypatch.setattr(text_diff, "MAX_COMPARISONS", 100)

    assert compare(before, after).note


def test_a_long_line_is_cut() -> None:
    assert [len(line) for _, line in compare("a" * 10_000, "b" * 10_000).lines] == [501, 501]
