"""`relay it-was-done`: decide about a run that is held because nobody knows whether its action was done."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import runs
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Take an action as done of which nobody knew, and go on behind it."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="its reference, as `relay runs` prints it")

    def run(self, options: dict[str, Any]) -> None:
        run = finding.run(options["run"])
        runs.was_done(run)
        self.say(f"{run.ref} goes on; its action counts as done.")
