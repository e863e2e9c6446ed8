"""`relay user` adds accounts and makes links to reset passwords."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.people import accounts, password_resets
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Role


class Command(RelayCommand):
    help = "Add an account, or make a link with which a person chooses a new password."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|reset-link")
        adding = verbs.add_parser("add", help="add an account; its password is the first line of standard input")
        adding.add_argument("email", metavar="EMAIL")
        adding.add_argument("--role", choices=Role.values, default=Role.OWNER.value, help="default: owner")
        resetting = verbs.add_parser("reset-link", help="print a link for a new password; it works once, for a day")
        resetting.add_argument("email", metavar="EMAIL")
        without = "also remove the second factor, of a person who lost it"
        resetting.add_argument("--drop-second-factor", action="store_true", help=without)

    def run(self, options: dict[str, Any]) -> None:
        if options["verb"] == "add":
            user = accounts.add_user(options["email"], lookups.password(), role=Role(options["role"]))
            self.say(f"{user.email} can sign in.")
            return
        user = accounts.find_user(options["email"])
        if options["drop_second_factor"]:
            accounts.drop_second_factor(user)
        self.say(password_resets.make_link(user))
