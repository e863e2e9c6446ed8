"""Every filter, test and function is on the page of templates, and its examples give what they say."""

from __future__ import annotations

import json
import re

import pytest

from relay.templating import FILTERS, TESTS, compile_leaf
from relay.templating.environment import GLOBALS
from tests.docs.reading import fenced, rows, section, without_code


def test_every_filter_is_documented() -> None:
    documented = [name for row in rows(section("templates", "Filters")) for name in re.findall(r"`(\w+)`", row[0])]

    assert sorted(documented) == sorted(FILTERS)


def test_every_test_and_function_is_documented() -> None:
    text = without_code(section("templates", "Tests") + section("templates", "Functions"))
    words = {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"[a-z]+", code)}

    assert {name for name in TESTS if name.isalpha()} | set(GLOBALS) <= words


@pytest.mark.parametrize("example", [line for block in fenced("templates", "jinja") for line in block.splitlines()])
def test_examples_of_templates_give_what_they_say(example: str) -> None:
    template, _, result = example.partition("  ->  ")
    event = json.loads(fenced("templates", "json")[0])

    rendered = compile_leaf(template.strip()).render({"event": event, "constants": {"vat": 19}})

    shown = rendered if isinstance(rendered, str) else json.dumps(rendered, ensure_ascii=False)
    assert result.split() == shown.split()
