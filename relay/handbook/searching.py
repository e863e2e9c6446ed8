"""Searches the sections of pages: a section or its page's title must contain every word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from relay.handbook.pages import Page, Section

MAX_WORDS = 8
MAX_HITS = 30
_EXCERPT_LEAD_CHARACTERS = 60  # before the first matching word
_EXCERPT_CHARACTERS = 220


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that matches. `excerpt`: pieces of its text; True for a matching word."""

    page: str
    title: str
    section: Section
    excerpt: list[tuple[str, bool]]


def search(pages: Iterable[Page], text: str) -> list[Hit]:
    """Return up to MAX_HITS sections with all words of `text`, those with a word in their heading first."""
    words = text.lower().split()[:MAX_WORDS]
    if not words:
        return []
    matches = [(page, section) for page in pages for section in page.sections if _matches(page, section, words)]
    matches.sort(key=lambda match: -_heading_score(match[0], match[1], words))
    any_word = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE)
    return [
        Hit(page.name, page.title, section, _excerpt(section.text, any_word)) for page, section in matches[:MAX_HITS]
    ]


def _matches(page: Page, section: Section, words: list[str]) -> bool:
    title, own = page.title.lower(), f"{section.heading} {section.text}".lower()
    # A match in the title alone would return every section of the page.
    return any(word in own for word in words) and all(word in own or word in title for word in words)


def _heading_score(page: Page, section: Section, words: list[str]) -> int:
    """Return a rank: 2 for each word in the section's heading, 1 for each in the title of the page."""
    own, title = section.heading.lower(), page.title.lower()
    return sum(2 * (word in own) + (word in title) for word in words)


def _excerpt(text: str, any_word: re.Pattern[str]) -> list[tuple[str, bool]]:
    first = any_word.search(text)
    start = max(0, first.start() - _EXCERPT_LEAD_CHARACTERS) if first else 0
    cut = text[start : start + _EXCERPT_CHARACTERS]
    if start:
        cut = "… " + cut.partition(" ")[2]
    if start + _EXCERPT_CHARACTERS < len(text):
        cut = cut.rpartition(" ")[0] + " …"
    return list(_marked(cut, any_word))


def _marked(text: str, any_word: re.Pattern[str]) -> Iterable[tuple[str, bool]]:
    end = 0
    for match in any_word.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    if end < len(text):
        yield text[end:], False
