"""`relay pause`: hold what arrives at a flow."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import publish
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Hold what arrives at a flow from now on; `relay resume` lets it go."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="its id, or its exact name")

    def run(self, options: dict[str, Any]) -> None:
        flow = finding.flow(options["flow"])
        publish.pause(flow)
        self.say(f"{flow.name} is paused.")
