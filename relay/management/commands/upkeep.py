"""`relay upkeep`: rings what is due, in this process."""

from __future__ import annotations

from typing import Any

from relay.management.command import RelayCommand
from relay.supervision import roles


class Command(RelayCommand):
    help = "Ring what is due, once a second, until SIGTERM. Of many, one at a time does it."

    def run(self, options: dict[str, Any]) -> None:
        roles.upkeep()
