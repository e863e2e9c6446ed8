"""Tests texts that fit the patterns of fields."""

from __future__ import annotations

import re

import pytest

from relay.connectors import registry
from relay.connectors.conformance.patterns import text_for

CATALOGUE = sorted(
    {
        field.pattern
        for connector in registry.list_connectors()
        for fields in (connector.connection, *(action.inputs for action in connector.actions))
        for field in fields
        if field.pattern
    }
)
PATTERNS = [
    r"xox[bp]-[0-9A-Za-z-]{8,250}",
    r"(ghp_|gho_|ghs_|github_pat_)[0-9A-Za-z_]{16,250}",
    r"https://((ptb|canary)\.)?discord(app)?\.com/api/(v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+",
    r"https://[A-Za-z0-9.-]+\.(logic\.azure\.com|api\.powerplatform\.com)(:443)?/[!-~]+",
    r"[0-9]{6,12}:[A-Za-z0-9_-]{30,64}",
    r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}",
    r"top|bottom|[0-9]{1,20}(\.[0-9]{1,20})?",
    r"\d{3}-\w+",
    r"[\w .-]{1,100}\.ya?ml",
    r"(?:a|b){2}c*d+",
    r"x{3}",
    r"[a-z0-9][a-z0-9-]{0,62}",
]


@pytest.mark.parametrize("pattern", [*PATTERNS, *CATALOGUE])
def test_a_text_fits(pattern: str) -> None:
    text = text_for(pattern, "kiwi.token")

    assert re.fullmatch(pattern, text)
    assert text == text_for(pattern, "kiwi.token")


def test_another_seed_gives_another_text() -> None:
    assert text_for("[0-9a-f]{32}", "a1b2c3") != text_for("[0-9a-f]{32}", "c4d5e6")


@pytest.mark.parametrize("pattern", ["[^a]", "(?=x)y", "(", "a{", r"(a)\1", "^$", "x{9", "[z-a]"])
def test_what_is_not_understood_gives_no_text(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error:
        pattern = re.escape(pattern) + "[^a]"

    assert text_for(pattern, "a") == ""
