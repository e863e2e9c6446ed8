"""`relay resume`: run what arrives at a paused flow again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import publish
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Run what arrives at a paused flow again, and release what the pause held: all at once, unless you say how."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="its id, or its exact name")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--per-minute", type=int, metavar="N", help="release so many a minute")
        ways.add_argument("--discard", action="store_true", help="cancel what was held")

    def run(self, options: dict[str, Any]) -> None:
        flow = finding.flow(options["flow"])
        if options["per_minute"] is not None:
            moved = publish.release(flow, per_minute=options["per_minute"])
        else:
            moved = publish.discard(flow) if options["discard"] else publish.resume(flow)
        self.say(f"{flow.name} goes on; {moved} held runs are {'discarded' if options['discard'] else 'released'}.")
