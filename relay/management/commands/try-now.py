"""`relay try-now`: the next try of a waiting run, at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import runs
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Make the next try of a waiting run now, not later."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="its reference, as `relay runs` prints it")

    def run(self, options: dict[str, Any]) -> None:
        run = finding.run(options["run"])
        runs.try_now(run)
        self.say(f"{run.ref} is being tried now.")
