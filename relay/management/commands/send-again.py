"""`relay send-again`: decide about a run that is held because nobody knows whether its action was done."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import runs
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Do an action once more of which nobody knows whether it was done."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="its reference, as `relay runs` prints it")

    def run(self, options: dict[str, Any]) -> None:
        run = finding.run(options["run"])
        runs.send_again(run)
        self.say(f"{run.ref} is sent again.")
