"""`relay storage` prints how much is stored."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings

from relay.engine.files import object_store
from relay.engine.upkeep import storage_usage
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = (
        "Print how many events, runs, attempts and files are stored, and the bytes that the database and the object"
        " store take."
    )

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--check", action="store_true", help="write to the object store of files, and remove that")

    def run(self, options: dict[str, Any]) -> None:
        if options["check"]:
            self._check()
            return
        used = asdict(storage_usage.measure())
        if options["json"]:
            self.say_json(used)
            return
        about = "about " if used.pop("estimated") else ""
        self.say_table(
            ("STORED", "NUMBER"),
            [(name, f"{about if not name.endswith('bytes') else ''}{used[name]}") for name in used],
        )

    def _check(self) -> None:
        if settings.FILES_STORE is None:
            self.say("Files are kept in the database")
            return
        object_store.check()
        self.say(f"Files are kept in {settings.FILES_STORE.label}; the check succeeded")
