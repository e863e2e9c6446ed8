"""Tests that all links of the documentation have a target, and that GitHub, the site and Relay show it alike."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from relay.handbook import Handbook, Page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BOOK = Handbook(DOCS, ROOT / "mkdocs.yml", lambda name: f"/help/{name}/")
_is_item = re.compile(r"\s*([-*+]|\d+\.)\s").match


@cache
def pages() -> dict[str, Page]:
    return {entry.name: BOOK.page(entry.name) for entry in BOOK.entries}


def test_all_pages_are_read() -> None:
    assert pages().keys() == {path.stem for path in DOCS.glob("*.md")}


def test_links_lead_somewhere() -> None:
    dead = [f"{page.name}: {link}" for page in pages().values() for link in _links(page) if not _is_there(page, link)]

    assert dead == []


def _links(page: Page) -> Iterator[str]:
    return map(html.unescape, re.findall(r'(?:href|src)="([^"]*)"', page.html))


def _is_there(page: Page, link: str) -> bool:
    if link.startswith(("https://", "http://", "mailto:")):
        return True
    path, _, anchor = link.partition("#")
    target = pages().get(re.sub("^/help/(.*)/$", r"\1", path)) if path else page
    return target is not None and (not anchor or f' id="{anchor}"' in target.html)


def test_each_page_has_one_title_at_its_start() -> None:
    odd = [page.name for page in pages().values() if not page.html.startswith("<h1 ") or page.html.count("<h1 ") != 1]

    assert odd == []


def test_nothing_on_a_page_is_refused_by_its_policy() -> None:
    refused = re.compile(r"<(?:script|style|iframe)|\s(?:on\w+|style)=")
    found = [(page.name, one) for page in pages().values() for one in refused.findall(page.html)]

    assert found == []


def test_markdown_means_the_same_everywhere() -> None:
    """Python-Markdown needs a blank line before a list, four spaces before nested blocks, and no fences in it."""
    odd = [
        f"{path.name}: {line}"
        for path in DOCS.glob("*.md")
        for before, line in _outside_code(path.read_text(encoding="utf-8"))
        if re.match(r"\s+```| {1,3}([-*+]|\d+\.)\s", line) or (_is_item(line) and not _may_precede_an_item(before))
    ]

    assert odd == []


def _may_precede_an_item(line: str) -> bool:
    return not line.strip() or line.startswith((" ", "#")) or bool(_is_item(line))


def _outside_code(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line outside code blocks, with the line before it."""
    is_code, before = False, ""
    for line in text.splitlines():
        if line.startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield before, line
        before = line


def test_every_page_has_its_place_in_the_navigation() -> None:
    assert [entry.name for group in BOOK.groups if group.label == "More" for entry in group.entries] == []


def test_the_site_has_the_icon_of_relay() -> None:
    assert (DOCS / "icon.svg").read_bytes() == (ROOT / "static/icon.svg").read_bytes()
