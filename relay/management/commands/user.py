"""`relay user add`: an account."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import accounts
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Add an account; the first one owns the first workspace."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add")
        adding = verbs.add_parser("add", help="add an account; its password on standard input, on one line")
        adding.add_argument("email", metavar="EMAIL")

    def run(self, options: dict[str, Any]) -> None:
        user = accounts.add_user(options["email"], finding.password())
        self.say(f"{user.email} can sign in.")
