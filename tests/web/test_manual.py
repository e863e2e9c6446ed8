"""The page of filters: what defines them is what it shows."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from relay.templating import FILTERS


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


def test_what_matches_nothing_is_said_and_escaped(alice: Client) -> None:
    page = alice.get("/help/filters/", {"q": "<b>nothing\x00"}).content.decode()

    assert "No filter matches" in page
    assert "“&lt;b&gt;nothing”" in page


def test_it_is_for_those_who_are_signed_in(client: Client) -> None:
    assert client.get("/help/filters/").status_code == 302
