"""`relay start` starts a flow with a manual trigger."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.intake import internal_events
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Start a flow with a manual trigger, with values for its form."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="its id or exact name")
        parser.add_argument("--input", metavar="NAME=VALUE", action="append", default=[], help="a field of the form")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        event = internal_events.start_by_hand(lookups.flow(options["flow"]), dict(map(_pair, options["input"])))
        run = event.runs.first()
        if options["json"]:
            self.say_json({"event": event.ref, "run": run.ref if run else None})
        else:
            self.say(f"Run {run.ref} is queued." if run else f"The flow is a draft: {event.ref} was captured.")


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise RelayError(f"{text} is not NAME=VALUE.")
    return name, value
