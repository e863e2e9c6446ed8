"""The base class of Relay's commands: checks the tables, reports errors in one line, prints tables or JSON."""

from __future__ import annotations

import codecs
import getpass
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from relay import schema
from relay.bodies import numerals
from relay.engine import audit
from relay.errors import RelayError
from relay.models import ActorKind


class RelayCommand(BaseCommand):
    """A command on the data folder's database. Subclasses define `arguments` and `run`."""

    needs_database = True
    requires_system_checks = ()
    # Django's own options still work; in --help they would bury Relay's.
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
        # relay.cli reads this option before the settings are loaded; here it is declared only for --help.
        parser.add_argument("--data", metavar="FOLDER", help="the data folder (default: RELAY_DATA or ./data)")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def handle(self, *_: object, **options: Any) -> None:
        """Run the command; database errors become RelayErrors, which relay.cli prints in one line."""
        try:
            if self.needs_database:
                schema.require_current()
            with audit.acting(audit.Actor(ActorKind.COMMAND, f"command line ({_login()})")):
                self.run(options)
        except DatabaseError as error:
            raise RelayError(f"The database can't do this: {str(error).splitlines()[0]}") from error
        except UnicodeEncodeError as error:
            if "surrogates" not in error.reason:
                raise
            reason = "An argument or a value has bytes that are no text in this terminal's encoding."
            raise RelayError(f"{reason} Write it in the encoding of the terminal, or set LC_ALL=C.UTF-8.") from error

    def run(self, options: dict[str, Any]) -> None:
        """Do the command's work with its parsed options."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        self.stdout.write(text)

    def say_json(self, value: object) -> None:
        """Print JSON in UTF-8; in ASCII if standard output has another encoding, so that any program can read it."""
        text = numerals.dumps(value, ensure_ascii=not self._encoding.startswith("utf"), indent=2)
        # Half of a surrogate pair fits no encoding, and is written as a JSON escape: \\ud800.
        self.stdout.write(text.encode(errors="backslashreplace").decode())

    def say_table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print aligned columns with a header line."""
        lines = [tuple(head), *(tuple(self._cell(value) for value in row) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(map(str.ljust, line, widths)).rstrip())

    def _cell(self, value: object) -> str:
        """Return a value as one line that the terminal can show; escapes count in the width of the column."""
        return _plain(value).encode(self._encoding, "backslashreplace").decode(self._encoding)

    @property
    def _encoding(self) -> str:
        """Return the name of standard output's encoding, in the spelling of Python's codecs."""
        return codecs.lookup(getattr(self.stdout, "encoding", None) or "utf-8").name


def _login() -> str:
    """Return the system's name of the user who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def _plain(value: object) -> str:
    """Return one line of text, without characters that would move the cursor."""
    text = " ".join(str(value).split())
    return "".join(letter if letter.isprintable() else "�" for letter in text)
