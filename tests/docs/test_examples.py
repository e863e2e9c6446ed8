"""The examples on the pages about flows are valid, and all links lead somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from relay.flows.checks.validation import parse_document
from relay.flows.loading import load
from tests.docs.format import FORMAT, STEP_KINDS, own_fields
from tests.docs.reading import DOCS, PAGES, fenced, without_code


def test_the_whole_document_is_valid() -> None:
    (whole,) = fenced("flow-format", "yaml")

    assert parse_document(whole).name == "Paid orders to the warehouse"


def test_the_whole_document_uses_most_keys() -> None:
    used = set(keys_of(load(fenced("flow-format", "yaml")[0])))

    known = {name for struct in FORMAT.values() for name in own_fields(struct)}
    assert len(known & used) > 0.75 * len(known)


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from keys_of(one)


def examples() -> list[Any]:
    return [
        pytest.param(block, id=f"{page}-{place}")
        for page in PAGES
        for place, block in enumerate(fenced(page, "json"), 1)
    ]


@pytest.mark.parametrize("example", examples())
def test_examples_are_valid(example: str) -> None:
    """Whole documents, steps, triggers and settings; anything else is JSON that a flow gets or sends."""
    document = as_document(json.loads(example))

    if document is not None:
        parse_document(document)


def as_document(value: Any) -> dict[str, Any] | None:
    usual = {"relay": 1, "name": "Example", "trigger": {"kind": "webhook"}, "steps": []}
    if isinstance(value, list):
        return {**usual, "steps": value} if all(is_step(one) for one in value) else None
    if is_step(value):
        return {**usual, "steps": [value]}
    if value.get("kind") in ("webhook", "schedule", "manual"):
        return {**usual, "trigger": value}
    if value.keys() & {"all", "any", "not", "op"}:
        return {**usual, "trigger": {"kind": "webhook", "only": value}}
    if value.keys() & {"relay", "trigger", "steps", "settings", "constants"}:
        return {**usual, **value}
    return None


def is_step(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") in STEP_KINDS


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_resolve(page: str) -> None:
    links = re.findall(r"\]\(([\w-]*(?:\.md)?)(?:#([\w-]+))?\)", without_code(PAGES[page]))

    broken = [(name, anchor) for name, anchor in links if not leads_somewhere(name or f"{page}.md", anchor)]

    assert links
    assert broken == []


def leads_somewhere(name: str, anchor: str) -> bool:
    path = DOCS / name
    return path.exists() and (not anchor or anchor in anchors(path.read_text()))


def anchors(text: str) -> list[str]:
    """The anchors of a page's headings, as Python-Markdown makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    return [re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings]


@pytest.mark.parametrize("page", PAGES)
def test_headings_of_a_page_are_unique(page: str) -> None:
    found = anchors(PAGES[page])

    assert sorted(set(found)) == sorted(found)


@pytest.mark.parametrize("page", PAGES)
def test_pages_use_only_what_every_reader_shows(page: str) -> None:
    """Relay's own pages and GitHub show neither admonitions nor HTML, and a bar in a cell of a table ends the cell."""
    text = without_code(PAGES[page])
    widths = [
        {line.count("|") for line in block.splitlines()} for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]

    assert not re.search(r"^(!!!|\?\?\?|<[a-z])", text, re.MULTILINE)
    assert all(len(width) == 1 for width in widths)
