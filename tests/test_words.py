"""Words: what search keeps of a text, and what finds it again."""

from __future__ import annotations

import pytest

from relay import words

TEXT = [
    "Ada Lovelace <ada@example.com> ordered ORD-4711-B for 150.40, to Müller-Straße 7",
    "東京都渋谷区",
    "https://shop.example.com/orders/981?token=abc",
    "x" * 3_000,
]


@pytest.mark.parametrize(
    ("looked_for", "is_found"),
    [
        ("ada", True),
        ("LOVELACE ada", True),
        ("lovel", True),
        ("ada@example.com", True),
        ("ada@exam", True),
        ("example.com", True),
        ("ord-4711", True),
        ("4711", True),
        ("#4711-b", True),
        ("150.40", True),
        ("muller strasse", True),
        ("Müller-Straße", True),
        ("渋谷", True),
        ("shop.example.com/orders", True),
        ("981", True),
        ("7", True),
        ("x" * 3_000, True),
        ("ada grace", False),
        ("velace", False),
        ("4712", False),
        ("4", False),
        ("bob@example.com", False),
    ],
)
def test_parts_of_words_and_addresses_are_found(looked_for: str, is_found: bool) -> None:
    kept = words.words(TEXT)

    assert words.holds(kept, words.wanted(looked_for)) is is_found


@pytest.mark.parametrize("text", ["", '"', "'", "\x00", "( ) * ' \" \\", "\ud800"[:0], " \t\n", "----"])
def test_a_text_without_words_looks_for_nothing(text: str) -> None:
    assert words.wanted(text) == []


@pytest.mark.parametrize("text", ["|flow=1", 'a" OR "b', "a'b", "a\\b", "a b\u3000c", "\ud800x", "a|b:*"])
def test_no_word_holds_what_a_query_is_written_with(text: str) -> None:
    assert not set("\"'\\| \u3000") & set("".join([*words.wanted(text), *words.words([text])]))


def test_what_is_kept_has_a_bound() -> None:
    kept = words.words(f"word{number}" for number in range(100_000))

    assert len(kept) == words.MOST
    assert max(map(len, kept)) <= words.LONGEST


def test_a_facet_is_found_only_whole() -> None:
    kept = [words.facet("flow", 12)]

    assert words.holds(kept, [words.facet("flow", 12)])
    assert not words.holds(kept, [words.facet("flow", 1)])
