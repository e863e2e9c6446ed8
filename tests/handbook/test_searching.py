"""Tests of the search in the documentation: matches, their order and excerpts."""

from __future__ import annotations

import pytest

from relay.handbook.pages import Page, Section
from relay.handbook.searching import MAX_HITS, MAX_WORDS, search

LONG = "Nothing of note. " * 40


def page(name: str, title: str, *sections: Section) -> Page:
    return Page(name, title, "", (), sections)


PAGES = [
    page(
        "steps",
        "Steps",
        Section("", "Steps", "What a flow does."),
        Section("delay", "Delay", "A run waits for a time (10m)."),
        Section("loop", "Loop", f"{LONG}The delay of an element is its own. {LONG}"),
    ),
    page("errors", "Errors and retries", Section("", "Errors and retries", "The delay before each retry.")),
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("delay", ["delay", "loop", ""]),
        ("DELAY retry", [""]),
        ("steps delay", ["delay", "loop"]),
        ("steps", [""]),
        ("(10m)", ["delay"]),
        ("10m.*", []),
        ("unheard of", []),
        ("  ", []),
    ],
)
def test_sections_with_all_words_are_found(text: str, found: list[str]) -> None:
    assert [hit.section.anchor for hit in search(PAGES, text)] == found


def test_an_excerpt_shows_the_words_in_their_place() -> None:
    hit = next(one for one in search(PAGES, "delay") if one.section.anchor == "loop")

    text = "".join(piece for piece, _ in hit.excerpt)

    assert [piece for piece, is_word in hit.excerpt if is_word] == ["delay"]
    assert text.startswith("… ")
    assert text.endswith(" …")
    assert "The delay of an element" in text
    assert len(text) < 250


def test_a_word_of_the_title_alone_shows_the_start_of_the_section() -> None:
    hit = search(PAGES, "errors and")[0]

    assert hit.excerpt == [("The delay before each retry.", False)]


def test_words_and_hits_are_limited() -> None:
    many = [page("many", "Many", *(Section(f"s{n}", "Word", LONG + "word") for n in range(3 * MAX_HITS)))]

    assert len(search(many, "word")) == MAX_HITS
    # The words behind the last that counts are not looked for.
    assert len(search(many, " ".join(["word"] * MAX_WORDS + ["absent"]))) == MAX_HITS
