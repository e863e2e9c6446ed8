"""Reads the pages of the documentation: sections, tables, code and anchors."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
# The pages about flows.
PAGES = {
    name: (DOCS / f"{name}.md").read_text()
    for name in (
        "flow-format",
        "steps",
        "triggers",
        "templates",
        "senders",
        "oauth",
        "errors-and-retries",
        "alerts",
        "connections",
        "services",
    )
}


def section(page: str, heading: str) -> str:
    """What stands under a heading of a page, until the next heading of the same level or above."""
    text = without_code(PAGES[page])
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    assert found, f"{page}.md has no heading “{heading}”"
    rest = PAGES[page][found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", text[found.end() :], re.MULTILINE)
    return rest[: following.start()] if following else rest


def without_code(text: str) -> str:
    """The text with blanks in place of fenced code, so that every place stays where it is."""
    return re.sub(r"^```.*?^```", lambda code: re.sub(r"[^\n]", " ", code[0]), text, flags=re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of the tables in a text, without their headings."""
    lines = [line for line in without_code(text).splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for place, line in enumerate(lines)
        if not line.startswith("| ---") and not (place + 1 < len(lines) and lines[place + 1].startswith("| ---"))
    ]


def first_table(text: str) -> list[list[str]]:
    """The rows of the first table in a text."""
    start = text.index("\n|")
    return rows(text[start : text.find("\n\n", start + 1)])


def named(text: str) -> list[str]:
    """The code that each row of the first table begins with."""
    return [row[0].strip("`") for row in first_table(text)]


def fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)
