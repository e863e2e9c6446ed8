"""`relay connector` checks the records of a connector, or writes the files of a new one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from relay.connectors import registry
from relay.connectors.conformance import checks
from relay.management import connector_scaffold
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Check a connector of the catalogue, or write the files of a new one."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="check|new", required=True)
        checking = verbs.add_parser("check", help="check the records, requests and answers of connectors")
        checking.add_argument("keys", nargs="*", metavar="KEY", help="default: all")
        checking.add_argument("--json", action="store_true", help="print JSON")
        making = verbs.add_parser("new", help="write a file of the catalogue and its test fixture, in a checkout")
        making.add_argument("key", metavar="KEY", help="letters, digits and _, as my_service")
        making.add_argument("--label", metavar="NAME", default="", help="the name that people see")

    def run(self, options: dict[str, Any]) -> None:
        if options["verb"] == "new":
            for path in connector_scaffold.write(options["key"], options["label"]):
                self.say(str(path))
            return
        chosen = [registry.connector(key) for key in options["keys"]] or registry.list_connectors()
        found = {connector.key: list(checks.faults(connector)) for connector in chosen}
        if options["json"]:
            self.say_json([{"connector": key, "faults": faults} for key, faults in found.items()])
        else:
            for fault in (fault for faults in found.values() for fault in faults):
                self.say(fault)
            good = sum(not faults for faults in found.values())
            self.say(f"{good} of {len(found)} connectors follow the rules")
        if any(found.values()):
            sys.exit(1)
