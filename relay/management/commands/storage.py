"""`relay storage` prints how much is stored."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from relay.engine.upkeep import storage_usage
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Print how many events, runs, attempts and files are stored, and the bytes that the database takes."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        used = asdict(storage_usage.measure())
        if options["json"]:
            self.say_json(used)
            return
        about = "about " if used.pop("estimated") else ""
        self.say_table(
            ("STORED", "NUMBER"), [(name, f"{about if name != 'bytes' else ''}{used[name]}") for name in used]
        )
