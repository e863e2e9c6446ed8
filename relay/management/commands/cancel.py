"""`relay cancel`: runs, or a replay of many."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import batches
from relay.management import finding
from relay.management.acting import ActingCommand


class Command(ActingCommand):
    help = "End a run that has not ended, or a replay of many; what is sent is sent."
    word, done, names = "cancel", "cancelled", "a RUN or a BATCH"

    def argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN|BATCH", nargs="?", help="a run's reference, or a batch's number")
        parser.add_argument("--queued", action="store_true", help="of a batch: cancel those not begun, too")

    def act(self, options: dict[str, Any]) -> None:
        batch = finding.batch(options["run"])
        if batch is None:
            super().act(options)
            return
        count = batches.cancel(batch, with_queued=options["queued"])
        self.say(f"Batch {batch.pk} makes no more runs; {count} of its runs are cancelled.")
