"""What every command of ours shares: current tables, errors in one line, columns or JSON."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from relay import schema
from relay.engine import audit
from relay.errors import RelayError
from relay.models import ActorKind


class RelayCommand(BaseCommand):
    """A command on the data folder's database. Subclasses define `arguments` and `run`."""

    needs_database = True
    requires_system_checks = ()
    # Django's own options still work; they'd hide ours in --help.
    suppressed_base_arguments = {  # noqa: RUF012 - Django's way
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
        "--skip-checks",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        # Taken by relay.cli before settings are read; here only so that --help shows it.
        parser.add_argument("--data", metavar="FOLDER", help="the data folder (default: RELAY_DATA or ./data)")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def handle(self, *_: object, **options: Any) -> None:
        """Run; what the database refuses is raised as RelayError, and relay.cli prints that in one line."""
        try:
            if self.needs_database:
                schema.require_current()
            with audit.acting(audit.Actor(ActorKind.COMMAND, f"command line ({_login()})")):
                self.run(options)
        except DatabaseError as error:
            raise RelayError(f"The database can't do this: {str(error).splitlines()[0]}") from error

    def run(self, options: dict[str, Any]) -> None:
        """Do the command's work with its parsed options."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        self.stdout.write(text)

    def say_json(self, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=2)
        # Half of a surrogate pair, which no encoding takes, is written as JSON has it: \\ud800.
        self.stdout.write(text.encode(errors="backslashreplace").decode())

    def say_table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Aligned columns under their heads."""
        lines = [tuple(head), *(tuple(_cell(value) for value in row) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(map(str.ljust, line, widths)).rstrip())


def _login() -> str:
    """Who runs the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def _cell(value: object) -> str:
    """One line of text, without characters that would move the cursor."""
    text = " ".join(str(value).split())
    return "".join(letter if letter.isprintable() else "�" for letter in text)
