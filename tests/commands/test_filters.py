"""`relay filters`."""

from __future__ import annotations

from relay.templating import FILTERS
from tests.commands.conftest import Shell


def test_every_name_is_listed_with_help_example_and_result(shell: Shell) -> None:
    rows = shell.json("filters", "--json")

    assert {row["name"]: (row["help"], row["example"], row["result"]) for row in rows} == {
        name: (filter_.help, filter_.example, filter_.result) for name, filter_ in FILTERS.items()
    }
    assert [row["same_as"] for row in rows if row["name"] == "d"] == ["default"]
    assert next(row for row in rows if row["name"] == "money")["arguments"] == "currency, locale='en', digits=none"


def test_words_narrow_the_list(shell: Shell) -> None:
    table = shell("filters", "cents", "currency")

    assert "Numbers and money" in table
    assert "cents_to_units" in table
    assert "slug" not in table
