"""`relay cancel` ends runs, or stops a bulk replay."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.runs import bulk_replay, run_actions
from relay.management import lookups
from relay.management.run_actions import RunActionCommand


class Command(RunActionCommand):
    action, names = run_actions.cancel, "a RUN or a BATCH"

    def argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN|BATCH", nargs="?", help="a run's reference, or a batch's number")
        parser.add_argument(
            "--queued", action="store_true", help="for a batch: also cancel its runs that have not started"
        )

    def act(self, options: dict[str, Any]) -> None:
        batch = lookups.batch(options["run"])
        if batch is None:
            super().act(options)
            return
        count = bulk_replay.cancel(batch, with_queued=options["queued"])
        self.say(f"Batch {batch.pk} is stopped; {count} of its runs are cancelled.")
