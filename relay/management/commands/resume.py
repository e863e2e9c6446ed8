"""`relay resume` runs new events of a paused flow again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.configuration import flow_lifecycle
from relay.management import lookups
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Run new events of a paused flow again, and release the held runs, by default all at once."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="its id, or its exact name")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--per-minute", type=int, metavar="N", help="release N a minute")
        ways.add_argument("--discard", action="store_true", help="cancel the held runs")

    def run(self, options: dict[str, Any]) -> None:
        flow = lookups.flow(options["flow"])
        if options["per_minute"] is not None:
            moved = flow_lifecycle.release(flow, per_minute=options["per_minute"])
        else:
            moved = flow_lifecycle.discard(flow) if options["discard"] else flow_lifecycle.resume(flow)
        self.say(f"{flow.name} is resumed; {moved} held runs are {'discarded' if options['discard'] else 'released'}.")
