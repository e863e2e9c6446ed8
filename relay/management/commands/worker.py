"""`relay worker`: one worker, in this process."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.management.command import RelayCommand
from relay.supervision import roles


class Command(RelayCommand):
    help = "Carry runs through their steps until SIGTERM; what is in hand is finished."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="end when no bell waits")

    def run(self, options: dict[str, Any]) -> None:
        roles.say_settings()
        roles.worker(burst=options["burst"])
