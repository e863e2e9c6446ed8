"""Tests that pages come in the order of the navigation, rendered once each."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.handbook import Entry, Group, Handbook

NAVIGATION = """
nav:
  - index.md
  - Guides: [steps.md, gone.md]
  - Empty: [gone.md]
  - On its own: alone.md
"""


@pytest.fixture
def book(tmp_path: Path) -> Handbook:
    for name, title in {"index": "Start", "steps": "Steps", "alone": "Alone", "extra": "Extra"}.items():
        (tmp_path / f"{name}.md").write_text(f"# {title}\n\nThe page {name}, see [steps](steps.md).\n")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "mkdocs.yml").write_text(NAVIGATION)
    return Handbook(tmp_path, tmp_path / "mkdocs.yml", lambda name: f"/help/{name}/")


def test_pages_come_in_the_order_of_the_navigation(book: Handbook) -> None:
    assert book.groups == (
        Group("", (Entry("index", "Start"),)),
        Group("Guides", (Entry("steps", "Steps"),)),
        Group("", (Entry("alone", "On its own"),)),
        Group("More", (Entry("extra", "Extra"),)),
    )


def test_each_page_has_its_neighbours(book: Handbook) -> None:
    assert book.neighbours("index") == (None, Entry("steps", "Steps"))
    assert book.neighbours("extra") == (Entry("alone", "On its own"), None)


def test_a_page_is_rendered_once(book: Handbook) -> None:
    assert book.page("steps") is book.page("steps")


@pytest.mark.parametrize("name", ["gone", "", "../secret", "icon", "mkdocs"])
def test_there_is_no_other_page(book: Handbook, name: str) -> None:
    with pytest.raises(KeyError):
        book.page(name)


def test_search_reads_all_pages(book: Handbook) -> None:
    assert [hit.page for hit in book.search("page extra")] == ["extra"]
