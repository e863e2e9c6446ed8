"""`relay give-up`: a run that waits or is held has failed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import runs
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Call a run that waits or is held failed; it can be replayed."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="its reference, as `relay runs` prints it")

    def run(self, options: dict[str, Any]) -> None:
        run = finding.run(options["run"])
        runs.give_up(run)
        self.say(f"{run.ref} is given up.")
