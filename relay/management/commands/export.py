"""`relay export` prints a flow's document."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.management import lookups
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Print the live document of a flow as JSON, or the draft if none is live."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="id or exact name")
        parser.add_argument("--draft", action="store_true", help="the draft, even if a version is live")

    def run(self, options: dict[str, Any]) -> None:
        flow = lookups.flow(options["flow"])
        live = None if options["draft"] else flow.live_version
        self.say_json(flow.draft if live is None else live.document)
