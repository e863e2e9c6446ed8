"""Tests of rendering a page: links, anchors, tables, code, and the text for the search."""

from __future__ import annotations

import re

import pytest

from relay.handbook.pages import Heading, Page
from relay.handbook.rendering import render

SOURCE = """# Steps

What a [flow](flow-format.md#step-keys) does, see [the start](index.md) or [elsewhere](https://example.com/a.md).

## The `delay` & more

| kind | waits | n |
| --- | :-: | --: |
| `delay` | a **time** | 1 |

```json
{"text": "<b>{{ event.body.id }}</b>", "link": "[x](steps.md)"}
```

### Twice

One.

### Twice

1. First
2. Second [below](#twice_1)
"""


def shown(source: str) -> Page:
    return render("steps", source, lambda name: f"/help/{name}/")


@pytest.fixture
def page() -> Page:
    return shown(SOURCE)


def test_links_to_pages_lead_to_where_they_are_shown(page: Page) -> None:
    links = set(re.findall(r'href="([^"]+)"', page.html))

    assert {"/help/flow-format/#step-keys", "/help/index/", "https://example.com/a.md", "#twice_1"} <= links


@pytest.mark.parametrize("link", ["../README.md", "Steps.md", "a/b.md", "mailto:steps.md", "#steps.md"])
def test_other_links_stay_as_they_are(link: str) -> None:
    assert f'href="{link}"' in shown(f"# A\n\n[x]({link})").html


def test_every_heading_has_an_anchor_of_its_own(page: Page) -> None:
    assert page.title == "Steps"
    assert page.headings == (
        Heading("the-delay-more", "The delay & more", 2),
        Heading("twice", "Twice", 3),
        Heading("twice_1", "Twice", 3),
    )


def test_tables_scroll_and_have_no_style(page: Page) -> None:
    assert '<div aria-label="Table" class="table-box" role="group" tabindex="0">\n<table>' in page.html
    assert '<td align="right">1</td>' in page.html
    assert "style=" not in page.html


def test_code_is_text(page: Page) -> None:
    assert "&lt;b&gt;{{ event.body.id }}&lt;/b&gt;" in page.html
    assert "[x](steps.md)" in page.html


def test_sections_are_plain_text(page: Page) -> None:
    texts = {section.heading: section.text for section in page.sections}

    assert texts["Steps"] == "What a flow does, see the start or elsewhere."
    assert texts["The delay & more"].startswith('kind waits n delay a time 1 {"text": "<b>{{ event.body.id }}</b>"')
    assert [section.anchor for section in page.sections] == ["", "the-delay-more", "twice", "twice_1"]


@pytest.mark.parametrize(
    ("source", "title", "texts"),
    [
        ("", "steps", [""]),
        ("No title.", "steps", ["No title."]),
        ("## Only\n\nText.", "steps", ["", "Text."]),
        ("# A *b* `c`\n\nd`e`f *g*h", "A b c", ["def gh"]),
    ],
)
def test_pages_of_other_shapes_are_read(source: str, title: str, texts: list[str]) -> None:
    page = shown(source)

    assert page.title == title
    assert [section.text for section in page.sections] == texts
