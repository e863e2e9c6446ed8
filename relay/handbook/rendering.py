"""Renders a page from Markdown to HTML, with its headings and the text of its sections."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.etree.ElementTree import Element  # nosec B405: elements are made here, no XML is read

from markdown import Extension, Markdown
from markdown.extensions.fenced_code import FencedCodeExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import TocExtension
from markdown.treeprocessors import Treeprocessor

from relay.handbook.pages import Address, Heading, Page, Section

# Python-Markdown turns inline Markdown into elements at priority 20; a lower priority runs after that.
_AFTER_INLINE = 15
_ANCHOR = "anchor"
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4}
_INLINE = {"a", "code", "em", "strong", "span", "del", "sup", "sub"}
_match_page = re.compile(r"([a-z0-9-]+)\.md(#.*)?").fullmatch


def render(name: str, source: str, address: Address) -> Page:
    """Render a page. `address` returns the URLs for links to other pages (`steps.md#delay`)."""
    # The pages' Content-Security-Policy forbids style attributes.
    tables = TableExtension(use_align_attribute=True)
    anchors = TocExtension(permalink="#", permalink_class=_ANCHOR, permalink_title="Link to this section")
    markdown = Markdown(extensions=[tables, anchors, FencedCodeExtension(), SaneListExtension(), _Pages(address)])
    html = markdown.convert(source)
    start, *rest = _read(html)
    headings = tuple(Heading(section.anchor, section.heading, level) for level, section in rest if level in (2, 3))
    sections = tuple(section for _, section in (start, *rest))
    return Page(name, sections[0].heading or name, html, headings, sections)


class _Pages(Extension):
    def __init__(self, address: Address) -> None:
        super().__init__()
        self.address = address

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.treeprocessors.register(_Rewriter(md, self.address), "pages", _AFTER_INLINE)


class _Rewriter(Treeprocessor):
    """Rewrites links to pages of Relay, and puts tables into a box that scrolls."""

    def __init__(self, md: Markdown, address: Address) -> None:
        super().__init__(md)
        self.address = address

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            if target := _match_page(link.get("href", "")):
                link.set("href", self.address(target[1]) + (target[2] or ""))
        for parent in list(root.iter()):
            for index, child in enumerate(parent):
                if child.tag == "table":
                    parent[index] = _boxed(child)


def _boxed(table: Element) -> Element:
    # A box that scrolls must be reachable with the keyboard, also if nothing in it is.
    box = Element("div", {"class": "table-box", "tabindex": "0", "role": "group", "aria-label": "Table"})
    box.append(table)
    box.tail, table.tail = table.tail, None
    return box


@dataclass(slots=True)
class _Part:
    """A heading and the text below it, in pieces."""

    level: int = 0
    anchor: str = ""
    heading: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def section(self) -> Section:
        return Section(self.anchor, _plain(self.heading), _plain(self.text))


class _Reader(HTMLParser):
    """Collects headings and the text below each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = [_Part()]
        self._in_heading = False
        self._in_anchor = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in _HEADINGS:
            self.parts.append(_Part(_HEADINGS[tag], known.get("id") or ""))
            self._in_heading = True
        self._in_anchor = tag == "a" and known.get("class") == _ANCHOR
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        self._in_heading = self._in_heading and tag not in _HEADINGS
        self._in_anchor = self._in_anchor and tag != "a"
        self._space(tag)

    def handle_data(self, data: str) -> None:
        part = self.parts[-1]
        if not self._in_anchor:
            (part.heading if self._in_heading else part.text).append(data)

    def _space(self, tag: str) -> None:
        """Add a space between blocks and table cells, but not around inline elements."""
        if tag not in _INLINE:
            self.parts[-1].text.append(" ")


def _read(html: str) -> list[tuple[int, Section]]:
    """Return sections with the level of their heading. The first one is the title's, and has no anchor."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    before, *rest = [(part.level, part.section()) for part in reader.parts]
    if rest and rest[0][0] == 1:
        title = rest.pop(0)[1]
        before = (1, Section("", title.heading, title.text))
    return [before, *rest]


def _plain(words: list[str]) -> str:
    return " ".join("".join(words).split())
