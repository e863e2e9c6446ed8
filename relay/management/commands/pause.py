"""`relay pause` holds new events of a flow."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.configuration import flow_lifecycle
from relay.management import lookups
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Hold new events of a flow until `relay resume`."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="its id, or its exact name")

    def run(self, options: dict[str, Any]) -> None:
        flow = lookups.flow(options["flow"])
        flow_lifecycle.pause(flow)
        self.say(f"{flow.name} is paused.")
