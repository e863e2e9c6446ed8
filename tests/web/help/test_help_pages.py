"""Tests of the documentation inside Relay, its search, links to it, and the list of filters."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from relay.models import Flow
from relay.templating import FILTERS
from relay.web.editor.steps import step_edits
from relay.web.help import help_pages
from tests.support.browsing import collapsed

ROOT = Path(__file__).parents[3]


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return collapsed(answer)


@pytest.mark.usefixtures("book")
def test_help_begins_with_the_first_page_and_lists_all(alice: Client) -> None:
    page = shown(alice, "/help/")

    assert "<p>The first page.</p>" in page
    for path in ("/help/", "/help/steps/", "/help/settings/", "/help/filters/"):
        assert f'href="{path}"' in page


@pytest.mark.usefixtures("book")
def test_a_page_has_its_headings_links_and_neighbours(alice: Client) -> None:
    page = shown(alice, "/help/steps/")

    assert '<a href="#delay">Delay</a>' in page
    assert '<a href="/help/settings/#time">settings</a>' in page
    assert "{{ event.body.name | upper }}" in html.unescape(page)
    assert re.search(r'rel="prev" href="/help/"', page)
    assert re.search(r'rel="next" href="/help/settings/"', page)
    assert 'href="/help/steps/" aria-current="page"' in page


@pytest.mark.usefixtures("book")
def test_search_leads_to_sections(alice: Client) -> None:
    page = shown(alice, "/help/?q=DELAY")

    assert 'href="/help/steps/#delay"' in page
    assert 'href="/help/settings/#time"' in page
    assert re.search(r"The &lt;zone&gt; of a <mark\s*>delay</mark>\.", page)


@pytest.mark.usefixtures("book")
def test_search_finds_filters_too(alice: Client) -> None:
    page = shown(alice, "/help/?q=strip_tags")

    assert 'href="/help/filters/?q=strip_tags"' in page
    assert "No section has all these words" in page


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "\x00\ud800 a", "x " * 5_000, "(((" * 30])
def test_any_text_can_be_searched(alice: Client, words: str) -> None:
    answer = alice.get("/help/", {"q": words.encode("utf-8", "surrogatepass")})

    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(("path", "status"), [("nowhere", 404), ("index", 302), ("Steps", 404), ("mkdocs", 404)])
def test_other_pages_are_not_there(alice: Client, path: str, status: int) -> None:
    assert alice.get(f"/help/{path}/").status_code == status


@pytest.mark.parametrize("path", ["/help/", "/help/steps/", "/help/?q=delay"])
def test_help_is_for_those_who_are_signed_in(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer["Location"].startswith("/sign-in/?next=/help/")


def _targets() -> set[tuple[str, str]]:
    """Page and anchor of every `{% help %}` in the templates."""
    text = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    found = re.findall(r'{% help "([a-z-]+)"(?: "([a-z-]+)")? %}', text)
    of_steps = re.findall(r'{% help "steps" page.step.kind %}', text)
    assert text.count("{% help ") == len(found) + len(of_steps)
    return {*found, *(("steps", kind) for kind in step_edits.STEP_TYPES)}


@pytest.mark.parametrize(("page", "anchor"), sorted(_targets()))
def test_links_to_help_have_a_target(page: str, anchor: str) -> None:
    book = help_pages.handbook()
    named = re.findall(r"([a-z-]+)\.md", (ROOT / "mkdocs.yml").read_text())

    assert page in named
    # The documentation is written beside this: what is there is held to it.
    if page in {entry.name for entry in book.entries}:
        assert not anchor or f'id="{anchor}"' in book.page(page).html


def test_the_open_card_links_to_its_help(alice: Client, flow: Flow) -> None:
    for step, target in {"trigger": "/help/triggers/#webhook", "big": "/help/steps/#filter"}.items():
        assert f'href="{target}"' in shown(alice, f"{reverse('flow', args=(flow.pk,))}?step={step}")


def test_every_filter_is_there_with_help_example_and_result(alice: Client) -> None:
    page = html.unescape(alice.get("/help/filters/").content.decode())

    words = re.sub(r"</?code>", "", page)
    for name, filter_ in FILTERS.items():
        assert f"<code>{name}</code>" in page
        assert filter_.help.replace("`", "") in words
        assert f"<code>{filter_.example}</code>" in page


@pytest.mark.parametrize(
    ("words", "there", "not_there"),
    [
        ("money", "filter-money", "filter-slug"),
        ("DATES zone", "filter-date_zone", "filter-date_add"),
        ("striptags", "filter-strip_tags", "filter-slug"),
    ],
)
def test_words_narrow_it(alice: Client, words: str, there: str, not_there: str) -> None:
    page = alice.get("/help/filters/", {"q": words}).content.decode()

    assert f'id="{there}"' in page
    assert f'id="{not_there}"' not in page


def test_a_search_without_matches_is_escaped(alice: Client) -> None:
    page = alice.get("/help/filters/", {"q": "<b>nothing\x00"}).content.decode()

    assert "No filter matches" in page
    assert "“&lt;b&gt;nothing”" in page


def test_it_is_for_those_who_are_signed_in(client: Client) -> None:
    assert client.get("/help/filters/").status_code == 302
