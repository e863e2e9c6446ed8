"""`relay cancel`: a run, or a replay of many."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import batches, many, runs
from relay.errors import RelayError
from relay.management import acting, finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "End a run that has not ended, or a replay of many; what is sent is sent."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN|BATCH", nargs="?", help="a run's reference, or a batch's number")
        acting.arguments(parser)
        parser.add_argument("--queued", action="store_true", help="of a batch: cancel those not begun, too")

    def run(self, options: dict[str, Any]) -> None:
        meant = acting.chosen(options)
        if (meant is None) == (options["run"] is None):
            raise RelayError("Name a RUN or a BATCH, or choose many with --flow or --state.")
        if meant is not None:
            self.say(f"{many.act(meant[0], 'cancel', meant[1])} runs are cancelled.")
            return
        batch = finding.batch(options["run"])
        if batch is not None:
            count = batches.cancel(batch, with_queued=options["queued"])
            self.say(f"Batch {batch.pk} makes no more runs; {count} of its runs are cancelled.")
            return
        run = finding.run(options["run"])
        runs.cancel(run)
        self.say(f"{run.ref} is cancelled.")
