"""`relay batches` lists bulk replays."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.runs import bulk_replay
from relay.management.command import RelayCommand
from relay.models import Batch

_MAX_BATCHES = 100


class Command(RelayCommand):
    help = "List bulk replays with their progress, newest first."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        rows = [_row(batch) for batch in Batch.objects.select_related("workspace").order_by("-pk")[:_MAX_BATCHES]]
        if options["json"]:
            self.say_json(rows)
        else:
            head = ("batch", "state", "mode", "runs", "made", "skipped", "workspace")
            self.say_table([word.upper() for word in head], [[row[word] for word in head] for row in rows])


def _row(batch: Batch) -> dict[str, Any]:
    return {"batch": batch.pk, **bulk_replay.record(batch), "workspace": batch.workspace.name}
