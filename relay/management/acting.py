"""Commands that do something to a run, or to all that match."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar

from relay.engine import many, runs
from relay.errors import RelayError
from relay.management import finding
from relay.management.command import RelayCommand
from relay.models import Run, RunState, Workspace

_ONE: dict[str, Callable[[Run], None]] = {
    "try-now": runs.try_now,
    "release": runs.release,
    "give-up": runs.give_up,
    "cancel": runs.cancel,
}


def chosen(options: dict[str, Any]) -> tuple[Workspace, dict[str, Any]] | None:
    """The workspace and the filter that the options mean; None where they mean one RUN."""
    if options["flow"] is None and options["state"] is None:
        return None
    found: dict[str, Any] = {} if options["state"] is None else {"state": [options["state"]]}
    if options["flow"] is None:
        return finding.workspace(options["workspace"]), found
    flow = finding.flow(options["flow"])
    return flow.workspace, {**found, "flow": flow.pk}


class ActingCommand(RelayCommand):
    """`word`: what is done, as of many; `done`: how it is told; `names`: what one is called by."""

    word: ClassVar[str]
    done: ClassVar[str]
    names: ClassVar[str] = "a RUN"

    def arguments(self, parser: ArgumentParser) -> None:
        self.argument(parser)
        parser.add_argument("--flow", metavar="FLOW", help="all runs of this flow: id or exact name")
        parser.add_argument("--state", choices=RunState.values, metavar="STATE", help="all runs in this state")
        parser.add_argument("--workspace", metavar="NAME", help="of --state without --flow; default: the first one")

    def argument(self, parser: ArgumentParser) -> None:
        """What names one."""
        parser.add_argument("run", metavar="RUN", nargs="?", help="its reference, as `relay runs` prints it")

    def run(self, options: dict[str, Any]) -> None:
        meant = chosen(options)
        if (meant is None) == (options["run"] is None):
            raise RelayError(f"Name {self.names}, or choose many with --flow or --state.")
        if meant is not None:
            self.say(f"{many.act(meant[0], self.word, meant[1])} runs are {self.done}.")
            return
        self.act(options)

    def act(self, options: dict[str, Any]) -> None:
        """Do it to the one that is named."""
        run = finding.run(options["run"])
        _ONE[self.word](run)
        self.say(f"{run.ref} is {self.done}.")
