"""`relay connection set` and `relay connection list`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import connections
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Set or list connections: sealed credentials that flows name."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="set|list")
        setting = verbs.add_parser("set", help="make or change one; its fields as a JSON object on standard input")
        setting.add_argument("name", metavar="NAME", help="what flows call it")
        setting.add_argument("connector", metavar="CONNECTOR", help="slack, trello...")
        setting.add_argument("--rate", metavar="RATE", help="requests at most: 1/s, 30/m, 500/h")
        listing = verbs.add_parser("list", help="names and connectors, no secrets")
        listing.add_argument("--json", action="store_true", help="print JSON")
        for verb in (setting, listing):
            verb.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        workspace = finding.workspace(options["workspace"])
        if options["verb"] == "list":
            rows = workspace.connections.order_by("name").values("name", "connector")
            self._list([dict(row) for row in rows], as_json=options["json"])
            return
        connection = connections.set_connection(
            workspace, options["name"], options["connector"], finding.json_object(), rate=options["rate"]
        )
        self.say(f"{connection.name} ({connection.connector}) is set.")

    def _list(self, rows: list[dict[str, Any]], *, as_json: bool) -> None:
        if as_json:
            self.say_json(rows)
        else:
            self.say_table(("NAME", "CONNECTOR"), [tuple(row.values()) for row in rows])
