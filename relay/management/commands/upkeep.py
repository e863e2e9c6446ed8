"""`relay upkeep` runs upkeep in this process."""

from __future__ import annotations

from typing import Any

from relay.management.command import RelayCommand
from relay.supervision import processes


class Command(RelayCommand):
    help = "Wake workers for due runs, index, alert and prune until SIGTERM. Of several processes, one works at a time."

    def run(self, options: dict[str, Any]) -> None:
        processes.upkeep()
