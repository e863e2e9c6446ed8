"""`relay replay`: the event of a run, once more, or those of many."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import batches, replay
from relay.errors import RelayError
from relay.management import finding
from relay.management.command import RelayCommand
from relay.models import Batch, ReplayMode, Run, RunState


class Command(RelayCommand):
    help = (
        "Run the event of a run again, as a new run. With --flow or --state instead of RUN: all runs that match,"
        " in the background; `relay batches` shows how far that is."
    )

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", nargs="?", help="its reference, as `relay runs` prints it")
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument("--as-it-was", dest="mode", action="store_const", const=ReplayMode.AS_IT_WAS,
                           help="from the start, on the version of then (default)")  # fmt: skip
        modes.add_argument("--live", dest="mode", action="store_const", const=ReplayMode.FROM_START,
                           help="from the start, on the version that is live today")  # fmt: skip
        modes.add_argument("--failed-steps", dest="mode", action="store_const", const=ReplayMode.FAILED_STEPS,
                           help="only what failed; what went well is not done again")  # fmt: skip
        modes.add_argument("--body", metavar="FILE", help="with this body (-: standard input), on today's version")
        parser.add_argument("--flow", metavar="FLOW", help="all runs of this flow: id or exact name")
        parser.add_argument("--state", choices=RunState.values, metavar="STATE", help="all runs in this state")
        parser.add_argument("--per-minute", type=int, default=0, metavar="N", help="default: as fast as they go")
        parser.add_argument("--again", action="store_true", help="of many: also those that were replayed before")
        parser.add_argument("--workspace", metavar="NAME", help="of --state without --flow; default: the first one")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        many = options["flow"] is not None or options["state"] is not None
        if many == (options["run"] is not None):
            raise RelayError("Name a RUN, or choose many with --flow or --state.")
        if many:
            self._started(_batch(options), as_json=options["json"])
        else:
            self._replayed(options)

    def _replayed(self, options: dict[str, Any]) -> None:
        former = finding.run(options["run"])
        copy = _copy(former, options)
        if options["json"]:
            self.say_json({"run": copy.ref, "replay_of": former.ref})
        else:
            self.say(f"{copy.ref} runs the event of {former.ref} again.")

    def _started(self, batch: Batch, *, as_json: bool) -> None:
        if as_json:
            self.say_json({"batch": batch.pk, "runs": batch.total, "skipped": batch.skipped})
        else:
            self.say(f"Batch {batch.pk} replays {batch.total - batch.skipped} runs.")


def _copy(former: Run, options: dict[str, Any]) -> Run:
    if options["body"] is not None:
        return replay.edited(former, finding.content(options["body"]))
    return replay.MODES[options["mode"] or ReplayMode.AS_IT_WAS](former)


def _batch(options: dict[str, Any]) -> Batch:
    if options["body"] is not None:
        raise RelayError("--body is for one RUN.")
    chosen: dict[str, Any] = {} if options["again"] else {"unreplayed": True}
    workspace = finding.workspace(options["workspace"]) if options["flow"] is None else None
    if options["flow"] is not None:
        flow = finding.flow(options["flow"])
        chosen["flow"], workspace = flow.pk, flow.workspace
    if options["state"] is not None:
        chosen["state"] = [options["state"]]
    assert workspace is not None
    return batches.start(workspace, chosen, options["mode"] or ReplayMode.AS_IT_WAS, per_minute=options["per_minute"])
