"""`relay replay` runs the event of a run again, or the events of all matching runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.runs import bulk_replay, replay
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Batch, ReplayMode, Run, RunState


class Command(RelayCommand):
    help = (
        "Run the event of a run again, as a new run. With --flow or --state instead of RUN: all runs that match,"
        " in the background; `relay batches` shows the progress."
    )

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", nargs="?", help="its reference, as `relay runs` prints it")
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument("--as-it-was", dest="mode", action="store_const", const=ReplayMode.AS_IT_WAS,
                           help="from the start, on the version that the run used")  # fmt: skip
        modes.add_argument("--live", dest="mode", action="store_const", const=ReplayMode.FROM_START,
                           help="from the start, on the version that is live now (default)")  # fmt: skip
        modes.add_argument("--failed-steps", dest="mode", action="store_const", const=ReplayMode.FAILED_STEPS,
                           help="only what failed; the results of other steps are kept")  # fmt: skip
        modes.add_argument("--body", metavar="FILE", help="with this body (-: standard input), on the live version")
        parser.add_argument("--flow", metavar="FLOW", help="all runs of this flow: id or exact name")
        parser.add_argument("--state", choices=RunState.values, metavar="STATE", help="all runs in this state")
        parser.add_argument("--per-minute", type=int, default=0, metavar="N", help="default: as fast as possible")
        parser.add_argument(
            "--again", action="store_true", help="for several runs: include runs that were replayed before"
        )
        parser.add_argument("--workspace", metavar="NAME", help="for --state without --flow; default: the first one")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        many = options["flow"] is not None or options["state"] is not None
        if many == (options["run"] is not None):
            raise RelayError("Name a RUN, or choose many with --flow or --state.")
        if many:
            self._say_batch(_batch(options), as_json=options["json"])
        else:
            self._replay_one(options)

    def _replay_one(self, options: dict[str, Any]) -> None:
        original = lookups.run(options["run"])
        copy = _copy(original, options)
        if options["json"]:
            self.say_json({"run": copy.ref, "replay_of": original.ref})
        else:
            self.say(f"{copy.ref} runs the event of {original.ref} again.")

    def _say_batch(self, batch: Batch, *, as_json: bool) -> None:
        if as_json:
            self.say_json({"batch": batch.pk, "runs": batch.total, "skipped": batch.skipped})
        else:
            self.say(f"Batch {batch.pk} replays {batch.total - batch.skipped} runs.")


def _copy(original: Run, options: dict[str, Any]) -> Run:
    if options["body"] is not None:
        return replay.with_edited_body(original, lookups.content(options["body"]))
    return replay.MODES[options["mode"] or replay.DEFAULT_MODE](original)


def _batch(options: dict[str, Any]) -> Batch:
    if options["body"] is not None:
        raise RelayError("--body is for one RUN.")
    chosen: dict[str, Any] = {} if options["again"] else {"unreplayed": True}
    workspace = lookups.workspace(options["workspace"]) if options["flow"] is None else None
    if options["flow"] is not None:
        flow = lookups.flow(options["flow"])
        chosen["flow"], workspace = flow.pk, flow.workspace
    if options["state"] is not None:
        chosen["state"] = [options["state"]]
    assert workspace is not None
    return bulk_replay.start(
        workspace, chosen, options["mode"] or replay.DEFAULT_MODE, per_minute=options["per_minute"]
    )
