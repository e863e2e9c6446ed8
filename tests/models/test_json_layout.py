"""Indented JSON for people."""

from __future__ import annotations

import pytest

from relay.models.json_layout import MAX_ADDED_CHARACTERS, MAX_CHARACTERS, pretty


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":[1,{}]}', '{\n  "a": [\n    1,\n    {}\n  ]\n}'),
        (" [1]", "[\n  1\n]"),
        ("plain", "plain"),
        ("{oops", "{oops"),
        ("", ""),
        ("[" * 50 + "]" * 50, None),
    ],
)
def test_json_is_laid_out(text: str, shown: str | None) -> None:
    laid_out = pretty(text)

    assert laid_out == shown if shown is not None else laid_out.count("\n") > 50


@pytest.mark.parametrize(
    "text",
    [
        "[" * 65 + "]" * 65,
        "[" * 900 + "1," * 30_000 + "1" + "]" * 900,
        "[" * 60 + "1," * 30_000 + "1" + "]" * 60,
        "[" + "1," * (MAX_CHARACTERS // 2) + "1]",
        "[" * 100_000,
    ],
    ids=["deep", "deep and long", "not so deep and long", "long", "no JSON"],
)
def test_what_would_grow_too_long_stays_as_it_is(text: str) -> None:
    assert pretty(text) == text


@pytest.mark.parametrize("depth", range(1, 64, 7))
@pytest.mark.parametrize("items", [1, 100, 4_000, 60_000])
def test_the_layout_adds_no_more_than_that(depth: int, items: int) -> None:
    text = "[" * depth + "1," * items + "1" + "]" * depth

    assert len(pretty(text)) <= 2 * len(text) + MAX_ADDED_CHARACTERS
