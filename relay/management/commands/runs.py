"""`relay runs` lists runs, newest first."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Run, RunState

_MAX_RUNS = 100_000


class Command(RelayCommand):
    help = "List runs, newest first."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--flow", metavar="FLOW", help="only runs of this flow: id or exact name")
        parser.add_argument("--state", choices=RunState.values, metavar="STATE", help="|".join(RunState.values))
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="default: 50")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        if not 0 < options["limit"] <= _MAX_RUNS:
            raise RelayError(f"--limit is a number from 1 to {_MAX_RUNS}.")
        runs = Run.objects.select_related("flow", "event").order_by("-pk")
        # The list shows none of the large columns.
        runs = runs.defer("trail", "event__body", "event__headers", "flow__draft")
        if options["flow"] is not None:
            runs = runs.filter(flow=lookups.flow(options["flow"]))
        if options["state"] is not None:
            runs = runs.filter(state=options["state"])
        rows = [_row(run) for run in runs[: options["limit"]]]
        if options["json"]:
            self.say_json(rows)
        else:
            head = ("run", "state", "received", "flow", "title", "reason")
            self.say_table([word.upper() for word in head], [[row[word] or "" for word in head] for row in rows])


def _row(run: Run) -> dict[str, Any]:
    return {
        "run": run.ref,
        "state": str(run.state),
        "flow": run.flow.name,
        "flow_id": run.flow_id,
        "title": run.title,
        "reason": run.reason,
        "event": run.event.ref,
        "received": _time(run.event.received_at),
        "due": _time(run.due_at),
        "finished": _time(run.finished_at),
        "replay_of": Run(pk=run.replay_of_id).ref if run.replay_of_id else None,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
