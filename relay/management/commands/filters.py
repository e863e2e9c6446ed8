"""`relay filters` lists the filters of templates."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.management.command import RelayCommand
from relay.templating.filters.catalogue import ENTRIES, Entry, grouped


class Command(RelayCommand):
    help = "List the filters of templates, each with its help, an example and its result."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "words", nargs="*", metavar="WORD", help="only filters whose name or help contains all words"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        words = " ".join(options["words"])
        if options["json"]:
            self.say_json([row for entry in ENTRIES if entry.matches(words) for row in _rows(entry)])
            return
        for group, entries in grouped(words):
            self.say(f"\n{group}")
            self.say_table(
                ("FILTER", "DOES", "EXAMPLE", "RESULT"),
                [(", ".join((entry.name, *entry.also)), entry.help, entry.example, entry.shown) for entry in entries],
            )


def _rows(entry: Entry) -> list[dict[str, Any]]:
    """Return a row for each name of a filter; rows of aliases name the filter in `same_as`."""
    same = {
        "group": entry.group,
        "arguments": entry.arguments,
        "help": entry.help,
        "example": entry.example,
        "result": entry.result,
    }
    return [{"name": entry.name, **same}, *({"name": name, "same_as": entry.name, **same} for name in entry.also)]
