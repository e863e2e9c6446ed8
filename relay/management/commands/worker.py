"""`relay worker` runs one worker in this process."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.management.command import RelayCommand
from relay.supervision import processes


class Command(RelayCommand):
    help = "Work on due runs until SIGTERM, and then finish the runs in progress."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="exit when no wakeup is waiting")

    def run(self, options: dict[str, Any]) -> None:
        processes.log_settings()
        processes.worker(burst=options["burst"])
