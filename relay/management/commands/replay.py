"""`relay replay`: the event of a run, once more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import replay
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Run the event of a run again, from the start, as a new run."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="its reference, as `relay runs` prints it")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        former = finding.run(options["run"])
        copy = replay.again(former)
        if options["json"]:
            self.say_json({"run": copy.ref, "replay_of": former.ref})
        else:
            self.say(f"{copy.ref} runs the event of {former.ref} again.")
